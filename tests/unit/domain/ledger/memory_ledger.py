"""A ledger in memory, so that the rules can receive events in any order."""

from collections import Counter, defaultdict
from uuid import UUID

from domain.ids import BalanceSourceId
from domain.ledger import (
    OWN_CATEGORIES,
    Account,
    Awaits,
    EntryKind,
    Posting,
    PostingState,
    movement_source,
    post_awaited,
    post_conversion,
    post_payment,
    post_payout,
    post_second_row,
    post_transaction,
)
from domain.money import SignedMoney
from domain.payment.events import PaymentEvent
from domain.stripe_balance import PayoutChanged, TransactionRecorded

Key = tuple[str, str]


class Book:
    """What was posted; what needs both a payment's event and Stripe's row, as soon as both are known."""

    def __init__(self) -> None:
        self.postings: list[Posting] = []
        self._payments: dict[UUID, PostingState] = defaultdict(PostingState)
        self._at_bank: dict[str, bool] = defaultdict(bool)
        self._presented: dict[Key, SignedMoney] = {}
        self._rows: dict[Key, list[TransactionRecorded]] = defaultdict(list)
        self._met: set[Key] = set()
        self._waiting: dict[Key, SignedMoney] = {}

    def add(self, event: tuple[UUID, PaymentEvent] | TransactionRecorded | PayoutChanged) -> None:
        match event:
            case TransactionRecorded(reporting_category=category) if category not in OWN_CATEGORIES:
                self.postings += post_transaction(event)
            case TransactionRecorded():
                key = (movement_source(event), event.reporting_category)
                self._rows[key].append(event)
                self._meet(key)
            case PayoutChanged():
                at_bank, posted = post_payout(event, at_bank=self._at_bank[event.payout_id])
                self._at_bank[event.payout_id] = at_bank
                self.postings += posted
            case (payment_id, payment_event):
                self._payments[payment_id], posted = post_payment(self._payments[payment_id], payment_event)
                for posting in posted:
                    key = (posting.source_id, posting.category)
                    moved = posting.effect_on(Account.STRIPE_CLEARING, posting.lines[0].amount.currency)
                    assert posting.kind is EntryKind.MOVEMENT
                    if posting.awaits is Awaits.FURTHER_ROW:
                        assert key in self._presented
                        continue
                    if posting.awaits is Awaits.DUE:
                        if self._waiting.pop(key, None) is not None:
                            self.postings.append(posting)
                        continue
                    assert key not in self._presented, "each movement once"
                    self._presented[key] = moved
                    if posting.awaits is None:
                        self.postings.append(posting)
                    else:
                        self._waiting[key] = self._presented[key]
                    self._meet(key)

    def balance(self, account: Account) -> dict[str, int]:
        """Return what an account is not level by, in each currency."""
        sums: Counter[str] = Counter()
        for posting in self.postings:
            for line in posting.lines:
                if line.account is account:
                    sums[line.amount.currency] += line.amount.amount_cents
        return {currency: amount for currency, amount in sums.items() if amount}

    def totals(self) -> dict[str, int]:
        """Return what all accounts together are not level by: nothing, one would think."""
        sums: Counter[str] = Counter()
        for account in Account:
            sums.update(self.balance(account))
        return {currency: amount for currency, amount in sums.items() if amount}

    def _meet(self, key: Key) -> None:
        source_id, category = BalanceSourceId(key[0]), key[1]
        presented, rows = self._presented.get(key), self._rows[key]
        if presented is None or not rows:
            return
        if (movement := self._waiting.pop(key, None)) is not None:
            self.postings += post_awaited(source_id=source_id, category=category, movement=movement)
        while rows:
            row = rows.pop(0)
            self.postings += post_transaction(row)
            if key in self._met:
                self.postings += post_second_row(row)
            elif row.exchange_rate is not None:
                on_balance = SignedMoney(amount_cents=row.amount, currency=row.currency)
                self.postings.append(
                    post_conversion(source_id=source_id, category=category, presented=presented, on_balance=on_balance)
                )
            self._met.add(key)

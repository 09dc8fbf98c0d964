"""A posting: the lines that one event adds to the accounts. Its debits and credits are equal."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from domain.ids import BalanceSourceId
from domain.ledger.accounts import Account
from domain.ledger.errors import UnbalancedPosting
from domain.money import SignedMoney


class EntryKind(StrEnum):
    """Which part of its source a posting is about."""

    MOVEMENT = "movement"
    """The amount itself, without the fee: how it changed what Stripe holds."""
    FEE = "fee"
    CONVERSION = "conversion"
    """A movement in one currency that Stripe put on the balance in another."""
    ARRIVAL = "arrival"
    """A payout reached the bank, or was sent back from there."""


class Awaits(StrEnum):
    """A posting counts from Stripe's row of it, if that row is the first to say that the money has moved."""

    POSSIBLE = "possible"
    """Nothing else says so: without the row, nothing is posted."""
    DUE = "due"
    """The event says so too: without the row, it is posted with the event."""
    FURTHER_ROW = "further_row"
    """Its source moves money in this way once more: Stripe's further row of that is posted instead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Debits an account with an amount above zero, or credits it with one below."""

    account: Account
    amount: SignedMoney


@dataclass(frozen=True, kw_only=True, slots=True)
class Posting:
    """Lines that add up to zero in each currency; otherwise raises UnbalancedPosting.

    ``category`` is the reporting category of Stripe's row of the source.
    """

    source_id: BalanceSourceId
    category: str
    kind: EntryKind
    lines: tuple[Line, ...]
    awaits: Awaits | None = None
    """None: it counts from the event, whatever Stripe's row says."""
    times: int = 1
    """How often its source has moved money in this way by now."""

    def __post_init__(self) -> None:
        sums: Counter[str] = Counter()
        for line in self.lines:
            sums[line.amount.currency] += line.amount.amount_cents
        differences = {currency: amount for currency, amount in sums.items() if amount}
        if differences:
            raise UnbalancedPosting(source_id=self.source_id, differences=differences)

    def effect_on(self, account: Account, currency: str) -> SignedMoney:
        """Return by how much it changes an account."""
        amounts = (each.amount for each in self.lines if each.account is account and each.amount.currency == currency)
        return sum(amounts, start=SignedMoney(amount_cents=0, currency=currency))


def transfer(
    *,
    source_id: BalanceSourceId,
    category: str,
    kind: EntryKind,
    debit: Account,
    credit: Account,
    amount: SignedMoney,
) -> tuple[Posting, ...]:
    """Return the posting that moves an amount from `credit` to `debit`, or back if it is below zero; () for nothing."""
    if amount.is_zero:
        return ()
    lines = (Line(account=debit, amount=amount), Line(account=credit, amount=-amount))
    return (Posting(source_id=source_id, category=category, kind=kind, lines=lines),)

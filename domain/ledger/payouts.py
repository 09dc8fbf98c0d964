"""What a payout posts when it reaches the bank. That it left the balance is posted by the balance's own row."""

from domain.ids import BalanceSourceId
from domain.ledger.accounts import Account
from domain.ledger.postings import EntryKind, Posting, transfer
from domain.money import SignedMoney
from domain.stripe_balance import PayoutChanged, PayoutStatus

_CAME_BACK = frozenset({PayoutStatus.FAILED, PayoutStatus.CANCELED})


def post_payout(event: PayoutChanged, *, at_bank: bool) -> tuple[bool, tuple[Posting, ...]]:
    """Return whether the money is at the bank after a change, and what the change posts.

    One that was never seen as paid has nothing to take back when it fails.
    """
    if event.status is PayoutStatus.PAID and not at_bank:
        return True, _arrived(event, "payout", event.amount)
    if event.status in _CAME_BACK and at_bank:
        return False, _arrived(event, "payout_reversal", -event.amount)
    return at_bank, ()


def _arrived(event: PayoutChanged, category: str, amount: int) -> tuple[Posting, ...]:
    return transfer(
        source_id=BalanceSourceId(event.payout_id),
        category=category,
        kind=EntryKind.ARRIVAL,
        debit=Account.BANK,
        credit=Account.PAYOUTS_IN_TRANSIT,
        amount=SignedMoney(amount_cents=amount, currency=event.currency),
    )

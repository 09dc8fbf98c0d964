"""Which rows of Stripe's balance are a payout itself, and not what it pays."""

from domain.ids import BalanceSourceId, PayoutId

_OF_PAYOUTS = frozenset({"payout", "payout_reversal"})


def is_payout_itself(payout_id: PayoutId, *, source_id: BalanceSourceId | None, category: str) -> bool:
    """Whether a row is the payout's own, that it went or came back.

    Another payout's row is among what this one pays: one that failed is in the balance again, and one that was made by
    hand before was taken off it. https://docs.stripe.com/api/balance_transactions/list
    """
    return source_id == BalanceSourceId(payout_id) and category in _OF_PAYOUTS

"""The streams of balance transactions and payouts.

Their ids are made of Stripe's ids, so that whoever learns of an object first takes the one place that there is for it.
"""

from collections.abc import Sequence
from uuid import UUID, uuid5

from domain.ids import BalanceTransactionId, PayoutId
from domain.stripe_balance.events import PayoutChanged, PayoutStatus

_NAMESPACE = UUID("7b0f5f0e-3c0c-5b53-9d0e-6a1b8d5c2e41")
_HOW_FAR = {
    PayoutStatus.PENDING: 0,
    PayoutStatus.IN_TRANSIT: 1,
    PayoutStatus.PAID: 2,
    PayoutStatus.FAILED: 3,
    PayoutStatus.CANCELED: 3,
}
"""A payout never goes back: https://docs.stripe.com/api/payouts/object#payout_object-status."""


def transaction_stream(transaction_id: BalanceTransactionId) -> UUID:
    """Return the stream of a balance transaction: it has one event."""
    return uuid5(_NAMESPACE, f"txn:{transaction_id}")


def payout_stream(payout_id: PayoutId) -> UUID:
    """Return the stream of a payout: it has an event for each status that was seen."""
    return uuid5(_NAMESPACE, f"payout:{payout_id}")


def new_payout_events(known: Sequence[PayoutChanged], read: PayoutChanged) -> tuple[PayoutChanged, ...]:
    """Return what to append to a payout's stream, given its events: only a status that follows the last one is new.

    Of two who read the list at once, the one who read it first may be the last to record it.
    """
    return () if known and _HOW_FAR[read.status] <= _HOW_FAR[known[-1].status] else (read,)

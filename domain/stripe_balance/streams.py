"""The streams of balance transactions and payouts.

Their ids are made of Stripe's ids, so that whoever learns of an object first takes the one place that there is for it.
"""

from collections.abc import Sequence
from uuid import UUID, uuid5

from domain.ids import BalanceTransactionId, PayoutId
from domain.stripe_balance.events import PayoutChanged

_NAMESPACE = UUID("7b0f5f0e-3c0c-5b53-9d0e-6a1b8d5c2e41")


def transaction_stream(transaction_id: BalanceTransactionId) -> UUID:
    """Return the stream of a balance transaction: it has one event."""
    return uuid5(_NAMESPACE, f"txn:{transaction_id}")


def payout_stream(payout_id: PayoutId) -> UUID:
    """Return the stream of a payout: it has an event for each status that was seen."""
    return uuid5(_NAMESPACE, f"payout:{payout_id}")


def new_payout_events(known: Sequence[PayoutChanged], read: PayoutChanged) -> tuple[PayoutChanged, ...]:
    """Return what to append to a payout's stream, given its events: only a status other than the last one is new."""
    return () if known and known[-1].status is read.status else (read,)

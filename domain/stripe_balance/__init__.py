"""Our balance at Stripe: its transactions, and the status of each payout."""

from domain.stripe_balance.events import (
    PayoutChanged,
    PayoutStatus,
    StripeBalanceEvent,
    TransactionRecorded,
)
from domain.stripe_balance.payouts import is_payout_itself
from domain.stripe_balance.streams import new_payout_events, payout_stream, transaction_stream

__all__ = [
    "PayoutChanged",
    "PayoutStatus",
    "StripeBalanceEvent",
    "TransactionRecorded",
    "is_payout_itself",
    "new_payout_events",
    "payout_stream",
    "transaction_stream",
]

"""Stripe's money facts: the rows of our balance there, and what became of each payout."""

from domain.stripe_balance.events import (
    PayoutChanged,
    PayoutStatus,
    StripeBalanceEvent,
    TransactionRecorded,
)
from domain.stripe_balance.news import payout_news
from domain.stripe_balance.streams import payout_stream, transaction_stream

__all__ = [
    "PayoutChanged",
    "PayoutStatus",
    "StripeBalanceEvent",
    "TransactionRecorded",
    "payout_news",
    "payout_stream",
    "transaction_stream",
]

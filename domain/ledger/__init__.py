"""The double-entry ledger: pure rules that turn events into postings whose debits and credits are equal.

Payments post what their events move; balance transactions post fees, and everything that no payment has an event for.
Amounts are signed: a debit is above zero, a credit below. Not for: storing entries.
"""

from domain.ledger.accounts import Account
from domain.ledger.balance import (
    OWN_CATEGORIES,
    TWICE_CATEGORIES,
    movement_source,
    post_second_row,
    post_transaction,
)
from domain.ledger.conversions import post_conversion
from domain.ledger.errors import LedgerError, RefundUnknown, UnbalancedPosting
from domain.ledger.payments import PostingState, RefundStage, RefundToPost, post_awaited, post_payment
from domain.ledger.payouts import post_payout
from domain.ledger.postings import Awaits, EntryKind, Line, Posting

__all__ = [
    "OWN_CATEGORIES",
    "TWICE_CATEGORIES",
    "Account",
    "Awaits",
    "EntryKind",
    "LedgerError",
    "Line",
    "Posting",
    "PostingState",
    "RefundStage",
    "RefundToPost",
    "RefundUnknown",
    "UnbalancedPosting",
    "movement_source",
    "post_awaited",
    "post_conversion",
    "post_payment",
    "post_payout",
    "post_second_row",
    "post_transaction",
]

"""What a row of Stripe's balance posts: always its fee, and its amount unless a payment's own events post that."""

from domain.ledger.accounts import Account
from domain.ledger.postings import Kind, Posting, transfer
from domain.stripe_balance import TransactionRecorded

OWN_CATEGORIES = frozenset({"charge", "refund", "refund_failure", "dispute", "dispute_reversal"})
"""Posted by the payment's own events: here only the fee, and the conversion."""

_PAYOUTS = frozenset({"payout", "payout_reversal"})
_FEES = frozenset({"fee", "network_cost", "tax"})
"""Rows that are a fee as a whole. https://docs.stripe.com/reports/reporting-categories"""


def post_transaction(row: TransactionRecorded) -> tuple[Posting, ...]:
    """Return what a row posts."""
    amount = row.amount if row.reporting_category not in OWN_CATEGORIES else 0
    return (
        *_clearing(row, Kind.MOVEMENT, _counter_account(row.reporting_category), amount),
        *_clearing(row, Kind.FEE, Account.STRIPE_FEES, -row.fee),
    )


def movement_source(row: TransactionRecorded) -> str:
    """Return what a row is about: itself, when nothing that has an id caused it."""
    return row.source_id or row.transaction_id


def _counter_account(category: str) -> Account:
    if category in _PAYOUTS:
        return Account.PAYOUTS_IN_TRANSIT
    return Account.STRIPE_FEES if category in _FEES else Account.ADJUSTMENTS


def _clearing(row: TransactionRecorded, kind: Kind, counter: Account, amount: int) -> tuple[Posting, ...]:
    return transfer(
        source_id=movement_source(row),
        category=row.reporting_category,
        kind=kind,
        debit=Account.STRIPE_CLEARING,
        credit=counter,
        amount=amount,
        currency=row.currency,
    )

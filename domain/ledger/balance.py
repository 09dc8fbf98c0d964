"""What a row of Stripe's balance posts: its fee, and its amount unless a payment's own events post that.

A row of a payment posts nothing before a payment of ours tells of it: another system's charges in the same account at
Stripe are in the books with neither their amount nor their fee.
"""

from domain.ids import BalanceSourceId
from domain.ledger.accounts import Account
from domain.ledger.postings import EntryKind, Posting, transfer
from domain.money import SignedMoney
from domain.stripe_balance import TransactionRecorded

_TAKEN_BACK = frozenset({"charge_failure", "partial_capture_reversal"})
"""Of a charge that failed while it was pending, and of what was never captured, no payment tells: nor did it tell that
it had it. https://docs.stripe.com/reports/reporting-categories"""

OWN_CATEGORIES = frozenset({"charge", "refund", "refund_failure", "dispute", "dispute_reversal"}) | _TAKEN_BACK
"""Posted by the payment's own events, if any: here only the fee, and the conversion."""

TWICE_CATEGORIES = frozenset({"dispute", "dispute_reversal"})
"""Of these a source may have a second row that is not the first one again, and is posted by itself."""

_PAYOUTS = frozenset({"payout", "payout_reversal"})
_FEES = frozenset({"fee", "network_cost", "tax"})
"""Rows that are a fee as a whole. https://docs.stripe.com/reports/reporting-categories"""


def post_transaction(row: TransactionRecorded) -> tuple[Posting, ...]:
    """Return what a row posts; one of OWN_CATEGORIES, once a payment of ours tells of it."""
    amount = row.amount if row.reporting_category not in OWN_CATEGORIES else 0
    return (
        *_clearing(row, EntryKind.MOVEMENT, _counter_account(row.reporting_category), amount),
        *_clearing(row, EntryKind.FEE, Account.STRIPE_FEES, -row.fee),
    )


def post_second_row(row: TransactionRecorded) -> tuple[Posting, ...]:
    """Return what the amount of a dispute's second row posts.

    It is a conversion by Stripe, a fee given back, or what a bank took or gave back once more.
    """
    return _clearing(row, EntryKind.MOVEMENT, Account.DISPUTES, row.amount)


def movement_source(row: TransactionRecorded) -> BalanceSourceId:
    """Return what a row is about: itself, when nothing that has an id caused it."""
    return row.source_id or BalanceSourceId(row.transaction_id)


def _counter_account(category: str) -> Account:
    if category in _PAYOUTS:
        return Account.PAYOUTS_IN_TRANSIT
    return Account.STRIPE_FEES if category in _FEES else Account.ADJUSTMENTS


def _clearing(row: TransactionRecorded, kind: EntryKind, counter: Account, amount: int) -> tuple[Posting, ...]:
    return transfer(
        source_id=movement_source(row),
        category=row.reporting_category,
        kind=kind,
        debit=Account.STRIPE_CLEARING,
        credit=counter,
        amount=SignedMoney(amount_cents=amount, currency=row.currency),
    )

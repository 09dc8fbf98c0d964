"""A payout as the API shows it: https://docs.stripe.com/api/payouts/object."""

from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.payouts.model import IN_TRANSIT, PAID, PENDING, Payout

BANK_ACCOUNT = "ba_sandbox0000000000000000"


def render(payout: Payout) -> JsonObject:
    """Return it as the API shows it."""
    return {
        "id": payout.id,
        "object": "payout",
        "amount": payout.amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": payout.arrival_date,
        "automatic": payout.automatic,
        "balance_transaction": payout.balance_transaction,
        "created": payout.created,
        "currency": payout.currency,
        "description": payout.description,
        "destination": BANK_ACCOUNT,
        "failure_balance_transaction": payout.failure_balance_transaction,
        "failure_code": payout.failure_code,
        "failure_message": payout.failure_message,
        "livemode": False,
        "metadata": payout.metadata,
        "method": payout.method,
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": _reconciliation(payout),
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": payout.statement_descriptor,
        "status": payout.status,
        "trace_id": _trace(payout),
        "type": "bank_account",
    }


def _reconciliation(payout: Payout) -> str:
    if not payout.automatic:
        return "not_applicable"
    return "completed" if payout.reconciled else "in_progress"


def _trace(payout: Payout) -> JsonObject | None:
    if payout.status in {PENDING, IN_TRANSIT}:
        return {"status": "pending", "value": None}
    return {"status": "supported", "value": f"SANDBOX{payout.id[-8:]}"} if payout.status == PAID else None

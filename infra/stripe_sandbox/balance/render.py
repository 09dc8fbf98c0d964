"""A row as the API shows it: https://docs.stripe.com/api/balance_transactions/object."""

from infra.stripe_sandbox.balance.model import BalanceTransaction
from infra.stripe_sandbox.json_types import Json, JsonObject


def render(row: BalanceTransaction, now: float) -> JsonObject:
    """Return the object as it is at a time: what is pending becomes available."""
    return {
        "id": row.id,
        "object": "balance_transaction",
        "amount": row.amount,
        "available_on": row.available_on,
        "balance_type": "payments",
        "created": row.created,
        "currency": row.currency,
        "description": row.description,
        "exchange_rate": None,
        "fee": row.fee,
        "fee_details": _fee_details(row),
        "net": row.net,
        "reporting_category": row.reporting_category,
        "source": row.source,
        "status": "available" if row.available_on <= now else "pending",
        "type": row.type,
    }


def _fee_details(row: BalanceTransaction) -> Json:
    if not row.fee:
        return []
    disputed = row.reporting_category.startswith("dispute")
    return [
        {
            "amount": row.fee,
            "application": None,
            "currency": row.currency,
            "description": "Dispute fee" if disputed else "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]

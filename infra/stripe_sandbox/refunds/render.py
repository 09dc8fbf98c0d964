"""A refund as the API shows it: https://docs.stripe.com/api/refunds/object."""

from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.refunds.model import FAILED, PENDING, REQUIRES_ACTION, Refund

ACTION_DAYS = 45
DAY = 24 * 3600


def render(refund: Refund) -> JsonObject:
    """Return it as the API shows it."""
    shown: JsonObject = {
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "balance_transaction": refund.balance_transaction,
        "charge": refund.charge,
        "created": refund.created,
        "currency": refund.currency,
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": refund.metadata,
        "payment_intent": refund.payment_intent,
        "payment_method": refund.payment_method,
        "reason": refund.reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": refund.status,
        "transfer_reversal": None,
    }
    if refund.status == PENDING:
        shown["pending_reason"] = "processing"
    if refund.status == FAILED:
        shown["failure_reason"] = refund.failure_reason
        shown["failure_balance_transaction"] = refund.failure_balance_transaction
    if refund.status == REQUIRES_ACTION:
        email: JsonObject = {"email_sent_at": refund.created, "email_sent_to": "customer@example.com"}
        shown["next_action"] = {
            "display_details": {"email_sent": email, "expires_at": refund.created + ACTION_DAYS * DAY},
            "type": "display_details",
        }
    return shown

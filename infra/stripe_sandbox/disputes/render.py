"""A dispute as the API shows it: https://docs.stripe.com/api/disputes/object."""

from infra.stripe_sandbox.disputes.model import Dispute
from infra.stripe_sandbox.json_types import JsonObject

EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)
"""The texts and files by which a charge can be defended."""


def render(dispute: Dispute) -> JsonObject:
    """Return the object."""
    return {
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.amount,
        "balance_transactions": dispute.balance_transactions,
        "charge": dispute.charge,
        "created": dispute.created,
        "currency": dispute.currency,
        "enhanced_eligibility_types": [],
        "evidence": {
            "appeal": None,
            "enhanced_evidence": {},
            **{name: dispute.evidence.get(name) for name in EVIDENCE},
        },
        "evidence_details": {
            "due_by": dispute.due_by,
            "enhanced_eligibility": {},
            "has_evidence": bool(dispute.evidence),
            "past_due": dispute.past_due,
            "submission_count": dispute.submission_count,
            "submission_method": "manual" if dispute.submission_count else "not_submitted",
        },
        "intended_submission_method": dispute.intended_submission_method,
        "is_charge_refundable": dispute.inquiry and not dispute.closed,
        "livemode": False,
        "metadata": dispute.metadata,
        "network_reason_code": dispute.network_reason_code,
        "payment_intent": dispute.payment_intent,
        "payment_method_details": {
            "card": {
                "brand": dispute.brand,
                "case_type": "inquiry" if dispute.inquiry else "chargeback",
                "network": dispute.brand,
                "network_reason_code": dispute.network_reason_code,
            },
            "type": "card",
        },
        "reason": dispute.reason,
        "status": dispute.status,
    }

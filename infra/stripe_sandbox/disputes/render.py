"""A dispute as the API shows it: https://docs.stripe.com/api/disputes/object."""

from infra.stripe_sandbox.disputes.model import Dispute
from infra.stripe_sandbox.json_types import JsonObject

_LONG, _SHORT = 20_000, 5000
EVIDENCE = {
    "access_activity_log": _LONG,
    "billing_address": _SHORT,
    "cancellation_policy": _SHORT,
    "cancellation_policy_disclosure": _LONG,
    "cancellation_rebuttal": _LONG,
    "customer_communication": _SHORT,
    "customer_email_address": _SHORT,
    "customer_name": _SHORT,
    "customer_purchase_ip": _SHORT,
    "customer_signature": _SHORT,
    "duplicate_charge_documentation": _SHORT,
    "duplicate_charge_explanation": _LONG,
    "duplicate_charge_id": _SHORT,
    "product_description": _LONG,
    "receipt": _SHORT,
    "refund_policy": _SHORT,
    "refund_policy_disclosure": _LONG,
    "refund_refusal_explanation": _LONG,
    "service_date": _SHORT,
    "service_documentation": _SHORT,
    "shipping_address": _SHORT,
    "shipping_carrier": _SHORT,
    "shipping_date": _SHORT,
    "shipping_documentation": _SHORT,
    "shipping_tracking_number": _SHORT,
    "uncategorized_file": _SHORT,
    "uncategorized_text": _LONG,
}
"""The texts and files by which a charge can be defended, and how long they may be."""
_REQUIRED_ACTIONS = (
    "missing_customer_identifiers",
    "missing_disputed_transaction_description",
    "missing_merchandise_or_services",
    "missing_prior_undisputed_transaction_description",
    "missing_prior_undisputed_transactions",
)


def render(dispute: Dispute) -> JsonObject:
    """Return it as the API shows it."""
    return {
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.amount,
        "balance_transactions": dispute.balance_transactions,
        "charge": dispute.charge,
        "created": dispute.created,
        "currency": dispute.currency,
        "enhanced_eligibility_types": [] if dispute.eligibility is None else [dispute.eligibility],
        "evidence": {
            "appeal": None,
            "enhanced_evidence": {},
            **{name: dispute.evidence.get(name) for name in EVIDENCE},
        },
        "evidence_details": {
            "due_by": dispute.due_by,
            "enhanced_eligibility": _eligibility(dispute),
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
                "case_type": _case_type(dispute),
                "network": dispute.brand,
                "network_reason_code": dispute.network_reason_code,
            },
            "type": "card",
        },
        "reason": dispute.reason,
        "status": dispute.status,
    }


def _case_type(dispute: Dispute) -> str:
    if dispute.inquiry:
        return "inquiry"
    return "compliance" if dispute.reason == "noncompliant" else "chargeback"


def _eligibility(dispute: Dispute) -> JsonObject:
    match dispute.eligibility:
        case None:
            return {}
        case "visa_compelling_evidence_3" as program:
            return {program: {"required_actions": list(_REQUIRED_ACTIONS), "status": "requires_action"}}
        case program:
            return {program: {"status": "requires_fee_acknowledgement"}}

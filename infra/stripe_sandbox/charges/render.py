"""A charge as the API shows it: https://docs.stripe.com/api/charges/object."""

from infra.stripe_sandbox.cards import Risk, checks
from infra.stripe_sandbox.charges.model import Charge, ChargeOutcome
from infra.stripe_sandbox.customers.address import shown_shipping
from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.payment_methods import EXPIRES, billing_details

STATEMENT_NAME = "PAYSTREAM SANDBOX"
RISK_SCORES = {Risk.NORMAL: 20, Risk.ELEVATED: 70, Risk.HIGHEST: 95}
SHIPPING = ("carrier", "name", "phone", "tracking_number")
_GENERIC = "generic_decline"


def render(charge: Charge) -> JsonObject:
    """Return the object; `refunds` is shown only where it is asked for, as in current versions of the API."""
    return {
        "id": charge.id,
        "object": "charge",
        "amount": charge.amount,
        "amount_captured": charge.amount_captured,
        "amount_refunded": charge.amount_refunded,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": charge.balance_transaction,
        "billing_details": billing_details(),
        "calculated_statement_descriptor": _statement(charge),
        "captured": charge.captured,
        "created": charge.created,
        "currency": charge.currency,
        "customer": charge.customer,
        "description": charge.description,
        "disputed": charge.disputed,
        "failure_balance_transaction": None,
        "failure_code": charge.failure_code,
        "failure_message": charge.failure_message,
        "fraud_details": {},
        "livemode": False,
        "metadata": charge.metadata,
        "on_behalf_of": None,
        "outcome": _outcome(charge),
        "paid": charge.succeeded,
        "payment_intent": charge.payment_intent,
        "payment_method": charge.payment_method,
        "payment_method_details": {"card": _card(charge), "type": "card"},
        "radar_options": {},
        "receipt_email": charge.receipt_email,
        "receipt_number": None,
        "receipt_url": _receipt(charge),
        "refunded": charge.captured and charge.amount_refunded >= charge.amount_captured,
        "review": None,
        "shipping": shown_shipping(charge.shipping, *SHIPPING),
        "source": None,
        "source_transfer": None,
        "statement_descriptor": charge.statement_descriptor,
        "statement_descriptor_suffix": charge.statement_descriptor_suffix,
        "status": charge.status,
        "transfer_data": None,
        "transfer_group": charge.transfer_group,
    }


def _statement(charge: Charge) -> str:
    suffix = charge.statement_descriptor_suffix
    return f"{STATEMENT_NAME[:10]}* {suffix}"[:22] if suffix else STATEMENT_NAME


def _receipt(charge: Charge) -> str | None:
    """Return where Stripe would show the receipt; of the sandbox's there is none to see."""
    return f"https://pay.stripe.com/receipts/payment/{charge.id}" if charge.succeeded else None


def _outcome(charge: Charge) -> JsonObject:
    risk = charge.card.risk
    common: JsonObject = {
        "advice_code": charge.advice_code,
        "network_advice_code": None,
        "network_decline_code": charge.network_decline_code,
        "risk_level": risk.value,
        "risk_score": RISK_SCORES[risk],
    }
    if charge.outcome == ChargeOutcome.AUTHORIZED:
        return {
            **common,
            "network_status": "approved_by_network",
            "reason": None,
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    if charge.outcome == ChargeOutcome.BLOCKED:
        return {
            **common,
            "network_status": "not_sent_to_network",
            "reason": "highest_risk_level",
            "seller_message": "Stripe blocked this payment as too risky.",
            "type": "blocked",
        }
    reason = charge.failure_reason or charge.failure_code
    return {
        **common,
        "network_status": "declined_by_network",
        "reason": reason,
        "seller_message": (
            "The bank did not return any further details with this decline."
            if reason == _GENERIC
            else f"The bank returned the decline code `{reason}`."
        ),
        "type": "issuer_declined",
    }


def _card(charge: Charge) -> JsonObject:
    card = charge.card
    month, year = EXPIRES
    details: JsonObject = {
        "amount_authorized": charge.amount if charge.succeeded else None,
        "authorization_code": None,
        "brand": card.brand,
        "checks": checks(card),
        "country": card.country,
        "exp_month": month,
        "exp_year": year,
        "extended_authorization": {"status": "disabled"},
        "fingerprint": f"sandbox{card.last4}",
        "funding": card.funding,
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": card.last4,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": charge.amount, "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": _three_d_secure() if charge.authenticated else None,
        "wallet": None,
    }
    if charge.capture_before is not None:
        details["capture_before"] = charge.capture_before
    return details


def _three_d_secure() -> JsonObject:
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": None,
        "version": "2.2.0",
    }

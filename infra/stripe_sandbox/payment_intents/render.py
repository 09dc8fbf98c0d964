"""A payment intent as the API shows it: https://docs.stripe.com/api/payment_intents/object."""

from infra.stripe_sandbox.customers.address import shown_shipping
from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.payment_intents.model import PaymentIntent

SHIPPING = ("carrier", "name", "phone", "tracking_number")


def render(intent: PaymentIntent) -> JsonObject:
    """Return it as the API shows it."""
    return {
        "id": intent.id,
        "object": "payment_intent",
        "allowed_payment_method_types": intent.allowed_payment_method_types,
        "amount": intent.amount,
        "amount_capturable": intent.amount_capturable,
        "amount_details": {"tip": {}},
        "amount_received": intent.amount_received,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": intent.automatic_payment_methods,
        "canceled_at": intent.canceled_at,
        "cancellation_reason": intent.cancellation_reason,
        "capture_method": intent.capture_method,
        "client_secret": intent.client_secret,
        "confirmation_method": intent.confirmation_method,
        "created": intent.created,
        "currency": intent.currency,
        "customer": intent.customer,
        "customer_account": None,
        "description": intent.description,
        "excluded_payment_method_types": None,
        "last_payment_error": intent.last_payment_error,
        "latest_charge": intent.latest_charge,
        "livemode": False,
        "metadata": intent.metadata,
        "next_action": intent.next_action,
        "on_behalf_of": None,
        "payment_method": intent.payment_method,
        "payment_method_configuration_details": None,
        "payment_method_options": _options(intent),
        "payment_method_types": intent.payment_method_types,
        "processing": None,
        "receipt_email": intent.receipt_email,
        "review": None,
        "setup_future_usage": intent.setup_future_usage,
        "shipping": shown_shipping(intent.shipping, *SHIPPING),
        "source": None,
        "statement_descriptor": intent.statement_descriptor,
        "statement_descriptor_suffix": intent.statement_descriptor_suffix,
        "status": intent.status,
        "transfer_data": None,
        "transfer_group": intent.transfer_group,
    }


def _options(intent: PaymentIntent) -> JsonObject:
    card: JsonObject = {
        "installments": None,
        "mandate_options": None,
        "network": None,
        "request_three_d_secure": "automatic",
    }
    given = intent.payment_method_options.get("card")
    return {**intent.payment_method_options, "card": {**card, **given} if isinstance(given, dict) else card}

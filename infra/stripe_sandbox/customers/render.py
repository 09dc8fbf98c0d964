"""A customer as the API shows it: https://docs.stripe.com/api/customers/object."""

from infra.stripe_sandbox.customers.model import Customer
from infra.stripe_sandbox.json_types import Json, JsonObject

ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")
INVOICE_PREFIX_LENGTH = 8


def render(customer: Customer) -> JsonObject:
    """Return the object. What has to be expanded (sources, subscriptions, tax, tax_ids) is left out, as at Stripe."""
    return {
        "id": customer.id,
        "object": "customer",
        "address": _address(customer.address),
        "balance": 0,
        "business_name": customer.business_name,
        "created": customer.created,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": customer.description,
        "discount": None,
        "email": customer.email,
        "individual_name": customer.individual_name,
        "invoice_prefix": customer.id[-INVOICE_PREFIX_LENGTH:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": customer.metadata,
        "name": customer.name,
        "next_invoice_sequence": 1,
        "phone": customer.phone,
        "preferred_locales": [*customer.preferred_locales],
        "shipping": _shipping(customer.shipping),
        "tax_exempt": customer.tax_exempt,
        "test_clock": None,
    }


def _address(given: Json) -> JsonObject | None:
    return {name: given.get(name) for name in ADDRESS} if isinstance(given, dict) else None


def _shipping(given: JsonObject | None) -> JsonObject | None:
    if given is None:
        return None
    return {"address": _address(given.get("address")), "name": given.get("name"), "phone": given.get("phone")}

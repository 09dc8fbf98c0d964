"""A customer as the API shows it: https://docs.stripe.com/api/customers/object."""

from infra.stripe_sandbox.customers.address import shown_address, shown_shipping
from infra.stripe_sandbox.customers.model import Customer
from infra.stripe_sandbox.json_types import JsonObject

INVOICE_PREFIX_LENGTH = 8


def render(customer: Customer) -> JsonObject:
    """Return the object. What has to be expanded (sources, subscriptions, tax, tax_ids) is left out, as at Stripe."""
    shown: JsonObject = {
        "id": customer.id,
        "object": "customer",
        "address": shown_address(customer.address),
        "balance": 0,
        "created": customer.created,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": customer.description,
        "discount": None,
        "email": customer.email,
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
        "shipping": shown_shipping(customer.shipping, "name", "phone"),
        "tax_exempt": customer.tax_exempt,
        "test_clock": None,
    }
    # These two are never null: https://docs.stripe.com/api/customers/object.
    names = {"business_name": customer.business_name, "individual_name": customer.individual_name}
    return shown | {name: value for name, value in names.items() if value is not None}

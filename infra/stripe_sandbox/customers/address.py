"""Addresses, of customers and of parcels: https://docs.stripe.com/api/customers/create#create_customer-address."""

from infra.stripe_sandbox.json_types import Json, JsonObject
from infra.stripe_sandbox.params import nested, text

MEMBERS = ("city", "country", "line1", "line2", "postal_code", "state")
_SHAPE = tuple(text(name, clearable=True) for name in MEMBERS)

ADDRESS = nested("address", *_SHAPE, clearable=True)
SHIPPING_ADDRESS = nested("address", *_SHAPE, required=True)


def shown_address(given: Json) -> JsonObject | None:
    """Return an address with all its members, or None without one."""
    return {name: given.get(name) for name in MEMBERS} if isinstance(given, dict) else None


def shown_shipping(given: Json, *members: str) -> JsonObject | None:
    """Return where goods are sent with these members beside the address, or None without it."""
    if not isinstance(given, dict):
        return None
    return {"address": shown_address(given.get("address")), **{name: given.get(name) for name in members}}

"""Finding a customer, and the one that every account has."""

from infra.stripe_sandbox.customers.model import Customer
from infra.stripe_sandbox.errors import BAD_REQUEST, StripeError, resource_missing
from infra.stripe_sandbox.operation import Call
from infra.stripe_sandbox.validation import Params

WELL_KNOWN = Customer(
    id="cus_sandbox", created=1_700_000_000, name="Sandbox Customer", email="customer@sandbox.example"
)
"""The sandbox's own, to try payments of a customer with, as its cards' names are to try payments. It never changes."""

_SET_ALREADY = (
    "You cannot modify `customer` on a PaymentIntent once it already has been set. To fulfill a payment with a "
    "different Customer, cancel this PaymentIntent and create a new one."
)


def find_customer(call: Call, customer_id: str) -> Customer | None:
    """Return the account's customer of this id, or None."""
    return WELL_KNOWN if customer_id == WELL_KNOWN.id else call.store.get(Customer, call.account, customer_id)


def check_customer(call: Call) -> None:
    """Raise StripeError (400) when the request names a customer whom the account does not have."""
    customer_id = call.params.text("customer")
    if customer_id is not None and find_customer(call, customer_id) is None:
        raise resource_missing("customer", customer_id, param="customer", status=BAD_REQUEST)


def check_same_customer(params: Params, customer_id: str | None) -> None:
    """Raise StripeError (400) when the request would give a customer's payment to another customer, or to none."""
    if customer_id is not None and params.text_or("customer", customer_id) != customer_id:
        raise StripeError(_SET_ALREADY, param="customer")

"""Payment methods: each use of a test card's name makes one, as at Stripe."""

from dataclasses import dataclass, replace
from typing import ClassVar

from infra.stripe_sandbox.card_names import CARDS
from infra.stripe_sandbox.cards import Card, checks
from infra.stripe_sandbox.errors import BAD_REQUEST, StripeError, resource_missing
from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.operation import Call
from infra.stripe_sandbox.payment_intents.model import PaymentIntent
from infra.stripe_sandbox.records import Record

EXPIRES = (12, 2034)
_USED = (
    "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a "
    "connected account without Customer attachment, or was detached from a Customer. It may not be used again. To use "
    "a PaymentMethod multiple times, you must attach it to a Customer first."
)
"""As many have quoted it: https://github.com/Automattic/woocommerce-payments/issues/323."""
_ANOTHERS = (
    "The payment method {id} belongs to a Customer. Please include the Customer in the `customer` parameter on the "
    "PaymentIntent."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentMethod(Record):
    """A card, ready to be charged."""

    KIND: ClassVar[str] = "payment_method"

    card_name: str
    used_by: str | None = None
    """The payment intent that was confirmed with it."""
    customer: str | None = None
    """Whose it became, so that it can be used again: https://docs.stripe.com/payments/save-during-payment."""

    @property
    def card(self) -> Card:
        """What the card does."""
        return CARDS[self.card_name]


def use(call: Call, payment_method: str, intent: PaymentIntent) -> PaymentMethod:
    """Return the payment method with this id for an intent, or make one for the test card of this name.

    Raises StripeError (400) when there is neither, when it is another customer's, or when it was used before and is
    nobody's. An intent that waits for its customer can go on with its own.
    """
    if payment_method in CARDS:
        made = PaymentMethod(id=call.world.ids.new("pm"), created=call.now, card_name=payment_method)
        call.store.insert(call.account, made)
        return made
    found = call.store.get(PaymentMethod, call.account, payment_method)
    if found is None:
        raise resource_missing("PaymentMethod", payment_method, param="payment_method", status=BAD_REQUEST)
    if found.customer is not None and found.customer != intent.customer:
        raise StripeError(_ANOTHERS.format(id=found.id), param="payment_method")
    used = found.used_by is not None and found.customer is None
    if used and (found.used_by, found.id) != (intent.id, intent.payment_method):
        raise StripeError(_USED)
    return found


def mark_used(call: Call, method: PaymentMethod, intent: PaymentIntent) -> None:
    """Remember that an intent was confirmed with it; with `setup_future_usage` it becomes the customer's."""
    kept = intent.customer if intent.setup_future_usage is not None and intent.last_payment_error is None else None
    marked = replace(method, used_by=intent.id, customer=method.customer or kept)
    call.store.update(call.account, marked, before=method)


def render(method: PaymentMethod) -> JsonObject:
    """Return a payment method as the API shows it: https://docs.stripe.com/api/payment_methods/object."""
    card = method.card
    month, year = EXPIRES
    return {
        "id": method.id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(),
        "card": {
            "brand": card.brand,
            "checks": checks(card),
            "country": card.country,
            "display_brand": card.brand,
            "exp_month": month,
            "exp_year": year,
            "fingerprint": f"sandbox{card.last4}",
            "funding": card.funding,
            "generated_from": None,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": method.created,
        "customer": method.customer,
        "customer_account": None,
        "livemode": False,
        "metadata": method.metadata,
        "type": "card",
    }


def billing_details() -> JsonObject:
    """Return the billing details of a test card: none."""
    return {
        "address": {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None},
        "email": None,
        "name": None,
        "phone": None,
        "tax_id": None,
    }

"""Payment methods: each use of a test card's name makes one, as at Stripe."""

from dataclasses import dataclass
from typing import ClassVar

from infra.stripe_sandbox.cards import CARDS, Card
from infra.stripe_sandbox.errors import BAD_REQUEST, resource_missing
from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.operation import Call
from infra.stripe_sandbox.records import Record

EXPIRES = (12, 2034)


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentMethod(Record):
    """A card, ready to be charged."""

    KIND: ClassVar[str] = "payment_method"

    card_name: str

    @property
    def card(self) -> Card:
        """What the card does."""
        return CARDS[self.card_name]


def use(call: Call, payment_method: str) -> PaymentMethod:
    """Return the payment method with this id, or make one for the test card of this name.

    Raises StripeError (400) when there is neither.
    """
    if payment_method in CARDS:
        made = PaymentMethod(id=call.world.ids.new("pm"), created=call.now, card_name=payment_method)
        call.store.insert(call.account, made)
        return made
    found = call.store.get(PaymentMethod, call.account, payment_method)
    if found is None:
        raise resource_missing("PaymentMethod", payment_method, param="payment_method", status=BAD_REQUEST)
    return found


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
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US",
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
        "customer": None,
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

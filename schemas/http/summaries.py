"""What a payment's events say, in the API's words. `schemas.http.timeline` says the same as types."""

from typing import Any, get_args

from domain.money import Money
from domain.payment.events import DisputeEvent, PaymentContradicted, PaymentEvent, PaymentRequested

SAID_ELSEWHERE = {"payment_id", "merchant_id", "refunds"}
"""In the entry itself; and in the ledger, which the refunds of an undone charge are named for."""
NAMES = {
    "amount": "amount_cents",
    "amount_captured": "amount_captured_cents",
    "intent_id": "stripe_payment_intent_id",
    "charge_id": "stripe_charge_id",
    "dispute_id": "stripe_dispute_id",
    "object_id": "stripe_id",
}
WITH_CURRENCY: tuple[type, ...] = (PaymentRequested, PaymentContradicted, *get_args(DisputeEvent))


def summary(event: PaymentEvent) -> dict[str, Any]:
    """Return what an event says, with the API's names: amounts in cents, Stripe's ids marked as such.

    What it leaves unsaid (None) is left out. The currency stands in the first event only, as it never changes; but a
    dispute, or what contradicts, may be in another one.
    """
    said: dict[str, Any] = {}
    for name in event.__slots__:
        value = getattr(event, name)
        if value is None or name in SAID_ELSEWHERE:
            continue
        said[NAMES.get(name, name)] = value.amount_cents if isinstance(value, Money) else value
        if isinstance(value, Money) and isinstance(event, WITH_CURRENCY):
            said["currency"] = value.currency
    return said

"""Which Stripe events are about payments, and what is needed of an event to find its payment. Pure.

https://docs.stripe.com/api/events/types
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from consumers.stripe.translate.ids import id_of, payment_id_of
from domain.ids import PaymentId, StripeIntentId
from schemas.events.stripe_events import StripeEventReceived

JsonObject = Mapping[str, Any]


class ObjectKind(StrEnum):
    """What kind of object an event contains."""

    INTENT = "payment_intent"
    CHARGE = "charge"
    REFUND = "refund"
    DISPUTE = "dispute"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """The object in an event, and the ids by which its payment can be found."""

    kind: ObjectKind
    stripe_object: JsonObject
    intent_id: StripeIntentId | None
    payment_id: PaymentId | None
    """From our metadata, which anybody with access to the Stripe account can write."""


OBJECT_BY_TYPE = {
    "payment_intent.amount_capturable_updated": ObjectKind.INTENT,
    "payment_intent.canceled": ObjectKind.INTENT,
    "payment_intent.payment_failed": ObjectKind.INTENT,
    "payment_intent.processing": ObjectKind.INTENT,
    "payment_intent.requires_action": ObjectKind.INTENT,
    "payment_intent.succeeded": ObjectKind.INTENT,
    "charge.refunded": ObjectKind.CHARGE,
    "charge.refund.updated": ObjectKind.REFUND,
}
# Every type that begins so is about a refund or a dispute.
OBJECT_BY_PREFIX = {"refund.": ObjectKind.REFUND, "charge.dispute.": ObjectKind.DISPUTE}


LISTED_TYPES = (
    *OBJECT_BY_TYPE,
    *("refund.created", "refund.updated", "refund.failed"),
    *(f"charge.dispute.{each}" for each in ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")),
)
"""The full names of the types, which a listing of events needs: 20 at most."""


def object_kind_of(event_type: str) -> ObjectKind | None:
    """Return the kind of object in an event of this type; None when no payment depends on it."""
    if (kind := OBJECT_BY_TYPE.get(event_type)) is not None:
        return kind
    return next((kind for prefix, kind in OBJECT_BY_PREFIX.items() if event_type.startswith(prefix)), None)


def reference_of(event: StripeEventReceived) -> Reference | None:
    """Return the object that the event is about; None when no payment depends on it."""
    kind = object_kind_of(event.type)
    if kind is None:
        return None
    stripe_object: JsonObject = event.payload["data"]["object"]
    intent = stripe_object.get("id") if kind is ObjectKind.INTENT else stripe_object.get("payment_intent")
    intent_id = id_of(intent)
    return Reference(
        kind=kind,
        stripe_object=stripe_object,
        intent_id=None if intent_id is None else StripeIntentId(intent_id),
        payment_id=payment_id_of(stripe_object.get("metadata")),
    )

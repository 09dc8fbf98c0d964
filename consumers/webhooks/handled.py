"""Which events of Stripe are about payments, and what of them is needed to find the payment. Pure.

https://docs.stripe.com/api/events/types
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from consumers.gateway.requests import PAYMENT_ID
from schemas.events.stripe_events import StripeEventReceived

JsonObject = Mapping[str, Any]


class Kind(StrEnum):
    """What kind of object an event shows."""

    INTENT = "payment_intent"
    CHARGE = "charge"
    REFUND = "refund"
    DISPUTE = "dispute"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """The object that an event shows, and by what its payment can be found."""

    kind: Kind
    shown: JsonObject
    intent_id: str | None
    payment_id: UUID | None
    """As our metadata says, which anybody with access to the Stripe account can write."""


TYPES = {
    "payment_intent.amount_capturable_updated": Kind.INTENT,
    "payment_intent.canceled": Kind.INTENT,
    "payment_intent.payment_failed": Kind.INTENT,
    "payment_intent.processing": Kind.INTENT,
    "payment_intent.requires_action": Kind.INTENT,
    "payment_intent.succeeded": Kind.INTENT,
    "charge.refunded": Kind.CHARGE,
    "charge.refund.updated": Kind.REFUND,
}
# Whatever comes under these names is about a refund or a dispute.
FAMILIES = {"refund.": Kind.REFUND, "charge.dispute.": Kind.DISPUTE}


LISTED = (
    *TYPES,
    *("refund.created", "refund.updated", "refund.failed"),
    *(f"charge.dispute.{each}" for each in ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")),
)
"""The types by their whole names, as listing events wants them: 20 at most."""


def kind_of(event_type: str) -> Kind | None:
    """Return what an event of this type shows, or None when no payment depends on it."""
    if (kind := TYPES.get(event_type)) is not None:
        return kind
    return next((kind for family, kind in FAMILIES.items() if event_type.startswith(family)), None)


def reference(event: StripeEventReceived) -> Reference | None:
    """Return what the event is about, or None when no payment depends on it."""
    kind = kind_of(event.type)
    if kind is None:
        return None
    shown: JsonObject = event.payload["data"]["object"]
    intent = shown.get("id") if kind is Kind.INTENT else shown.get("payment_intent")
    return Reference(kind=kind, shown=shown, intent_id=_id_of(intent), payment_id=_payment_id(shown.get("metadata")))


def _id_of(found: Any) -> str | None:
    """Return the id of an object that may be expanded."""
    identifier = found.get("id") if isinstance(found, Mapping) else found
    return identifier if isinstance(identifier, str) else None


def _payment_id(metadata: Any) -> UUID | None:
    found = metadata.get(PAYMENT_ID) if isinstance(metadata, Mapping) else None
    try:
        return UUID(found) if isinstance(found, str) else None
    except ValueError:
        return None

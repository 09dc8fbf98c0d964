"""What Stripe told us by a webhook: recorded as it came, and interpreted later.

https://docs.stripe.com/api/events/object
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from domain.ids import StripeEventId, StripeObjectId
from schemas.events.codec import Codec
from schemas.events.event_type import EventType
from schemas.personal.stripe_fields import StripeEventFields

CATEGORY = "stripe-event"
_NAMESPACE = UUID("d8f1a0c2-5a0e-5d0b-9a57-3f6f3c1f7a10")


@dataclass(frozen=True, kw_only=True, slots=True)
class StripeEventReceived:
    """A signed event of Stripe. ``created`` is in Unix seconds, by Stripe's clock: it orders nothing.

    ``payload`` is the whole event but for client secrets. The object in it is as it was when Stripe made the event.
    """

    stripe_event_id: StripeEventId
    type: str
    account: str | None
    """The connected account that it comes from; None for our own."""
    livemode: bool
    created: int
    api_version: str | None
    object_id: StripeObjectId | None
    """What it is about; None for what has no id, such as a balance."""
    payload: dict[str, Any]


STRIPE_EVENT_TYPES: tuple[EventType[StripeEventReceived], ...] = (
    EventType(name="stripe_event.received", model=StripeEventReceived, personal=StripeEventFields()),
)
STRIPE_EVENT_CODEC = Codec(STRIPE_EVENT_TYPES)


def stream_id_of(stripe_event_id: StripeEventId) -> UUID:
    """Return the stream that holds the event, and nothing else: a second append to it is refused by the log."""
    return uuid5(_NAMESPACE, stripe_event_id)

"""What Stripe told us by a webhook: recorded as it came, and interpreted later.

https://docs.stripe.com/api/events/object
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from schemas.envelope import EventMetadata, NewEvent, RecordedEvent
from schemas.errors import UnknownEventType
from schemas.events.event_type import EventType

CATEGORY = "stripe-event"
_NAMESPACE = UUID("d8f1a0c2-5a0e-5d0b-9a57-3f6f3c1f7a10")
NO_MERCHANT = "-"
"""The merchant of these events in the log: they are the Stripe account's. Whose payment one is about is found later."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StripeEventReceived:
    """A signed event of Stripe. ``created`` is in Unix seconds, by Stripe's clock: it orders nothing.

    ``payload`` is the whole event but for client secrets. The object in it is as it was when Stripe made the event.
    """

    stripe_event_id: str
    type: str
    account: str | None
    """The connected account that it comes from; None for our own."""
    livemode: bool
    created: int
    api_version: str | None
    object_id: str | None
    """What it is about; None for what has no id, such as a balance."""
    payload: dict[str, Any]


RECEIVED = EventType(name="stripe_event.received", model=StripeEventReceived)
STRIPE_EVENT_TYPES: tuple[EventType[StripeEventReceived], ...] = (RECEIVED,)


def stream_id_of(stripe_event_id: str) -> UUID:
    """Return the stream that holds the event, and nothing else: a second append to it is refused by the log."""
    return uuid5(_NAMESPACE, stripe_event_id)


def encode_stripe_event(event: StripeEventReceived, *, event_id: UUID, metadata: EventMetadata) -> NewEvent:
    """Write an event in its newest version."""
    return NewEvent(
        event_id=event_id,
        type=RECEIVED.name,
        schema_version=RECEIVED.version,
        data=RECEIVED.adapter.dump_json(event),
        metadata=metadata,
    )


def decode_stripe_event(recorded: RecordedEvent) -> StripeEventReceived:
    """Read a recorded event, whatever version it was written in.

    Raises UnknownEventType, UnsupportedSchemaVersion or InvalidEventData: each a SchemaError.
    """
    if recorded.type != RECEIVED.name:
        raise UnknownEventType(recorded.type)
    return RECEIVED.read(recorded.data, recorded.schema_version)

"""Stripe's money facts on the wire: balance transactions, and what became of payouts."""

from uuid import UUID

from domain.stripe_balance import PayoutChanged, StripeBalanceEvent, TransactionRecorded
from schemas.envelope import EventMetadata, NewEvent, RecordedEvent
from schemas.errors import UnknownEventType
from schemas.events.event_type import EventType

CATEGORY = "stripe-balance"
NO_MERCHANT = "-"
"""The merchant of these events in the log: they are the Stripe account's."""

BALANCE_EVENT_TYPES: tuple[EventType[StripeBalanceEvent], ...] = (
    EventType(name="stripe_balance.transaction_recorded", model=TransactionRecorded),
    EventType(name="stripe_balance.payout_changed", model=PayoutChanged),
)

_BY_NAME = {event_type.name: event_type for event_type in BALANCE_EVENT_TYPES}
_BY_MODEL = {event_type.model: event_type for event_type in BALANCE_EVENT_TYPES}


def encode_balance_event(event: StripeBalanceEvent, *, event_id: UUID, metadata: EventMetadata) -> NewEvent:
    """Write an event in its newest version."""
    event_type = _BY_MODEL[type(event)]
    return NewEvent(
        event_id=event_id,
        type=event_type.name,
        schema_version=event_type.version,
        data=event_type.adapter.dump_json(event),
        metadata=metadata,
    )


def decode_balance_event(recorded: RecordedEvent) -> StripeBalanceEvent:
    """Read a recorded event, whatever version it was written in.

    Raises UnknownEventType, UnsupportedSchemaVersion or InvalidEventData: each a SchemaError.
    """
    event_type = _BY_NAME.get(recorded.type)
    if event_type is None:
        raise UnknownEventType(recorded.type)
    return event_type.read(recorded.data, recorded.schema_version)

"""The events of reconciliation: of the runs of a day, and of each discrepancy."""

from typing import Any, cast
from uuid import UUID

from domain.reconciliation import events as domain
from domain.reconciliation.events import DiscrepancyEvent, ReconciliationEvent, RunEvent
from schemas.envelope import EventMetadata, NewEvent, RecordedEvent
from schemas.errors import UnknownEventType
from schemas.events.event_type import EventType

CATEGORY = "reconciliation"
NO_MERCHANT = "-"
"""The merchant of these events in the log: the books are those of the Stripe account."""

RUN_EVENT_TYPES: tuple[EventType[RunEvent], ...] = (
    EventType(name="reconciliation.requested", model=domain.ReconciliationRequested),
    EventType(name="reconciliation.started", model=domain.ReconciliationStarted),
    EventType(name="reconciliation.completed", model=domain.ReconciliationCompleted),
    EventType(name="reconciliation.failed", model=domain.ReconciliationFailed),
)
DISCREPANCY_EVENT_TYPES: tuple[EventType[DiscrepancyEvent], ...] = (
    EventType(name="discrepancy.opened", model=domain.DiscrepancyOpened, within=CATEGORY),
    EventType(name="discrepancy.explained", model=domain.DiscrepancyExplained, within=CATEGORY),
    EventType(name="discrepancy.resolved", model=domain.DiscrepancyResolved, within=CATEGORY),
    EventType(name="discrepancy.reopened", model=domain.DiscrepancyReopened, within=CATEGORY),
)
RECONCILIATION_EVENT_TYPES: tuple[EventType[Any], ...] = (*RUN_EVENT_TYPES, *DISCREPANCY_EVENT_TYPES)

_BY_NAME = {event_type.name: event_type for event_type in RECONCILIATION_EVENT_TYPES}
_BY_MODEL = {event_type.model: event_type for event_type in RECONCILIATION_EVENT_TYPES}


def encode_reconciliation_event(event: ReconciliationEvent, *, event_id: UUID, metadata: EventMetadata) -> NewEvent:
    """Write an event in its newest version."""
    event_type = _BY_MODEL[type(event)]
    return NewEvent(
        event_id=event_id,
        type=event_type.name,
        schema_version=event_type.version,
        data=event_type.adapter.dump_json(event),
        metadata=metadata,
    )


def decode_reconciliation_event(recorded: RecordedEvent) -> ReconciliationEvent:
    """Read a recorded event, whatever version it was written in.

    Raises UnknownEventType, UnsupportedSchemaVersion or InvalidEventData: each a SchemaError.
    """
    event_type = _BY_NAME.get(recorded.type)
    if event_type is None:
        raise UnknownEventType(recorded.type)
    return cast("ReconciliationEvent", event_type.read(recorded.data, recorded.schema_version))

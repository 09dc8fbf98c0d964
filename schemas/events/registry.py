"""Every event type: its name on the wire, its newest schema version, and how older versions are read.

The name is for ever. A change that an older reader can live with (a new optional field) keeps the version; any other
makes a new version and an upcaster from the one before, which is a function from JSON object to JSON object.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

import orjson
from pydantic import TypeAdapter, ValidationError

from domain.payment import events as payment
from domain.payment.events import PaymentEvent
from schemas.envelope import EventMetadata, NewEvent, RecordedEvent
from schemas.errors import InvalidEventData, UnknownEventType, UnsupportedSchemaVersion

JsonObject = dict[str, Any]
Upcaster = Callable[[JsonObject], JsonObject]


@dataclass(frozen=True, kw_only=True)
class EventType:
    """One event type. `upcasters[n]` turns version n into version n + 1; the newest version is `model`."""

    name: str
    model: type[PaymentEvent]
    upcasters: Mapping[int, Upcaster] = field(default_factory=dict)

    @property
    def version(self) -> int:
        """The version that is written today."""
        return len(self.upcasters) + 1

    @cached_property
    def adapter(self) -> TypeAdapter[PaymentEvent]:
        """Reads and writes the newest version."""
        return TypeAdapter(self.model)

    def read(self, data: bytes, version: int) -> PaymentEvent:
        """Return the event that `data`, written in `version`, holds.

        Raises UnsupportedSchemaVersion or InvalidEventData.
        """
        if not 1 <= version <= self.version:
            raise UnsupportedSchemaVersion(self.name, version, self.version)
        try:
            if version == self.version:
                return self.adapter.validate_json(data)
            document = orjson.loads(data)
            for step in range(version, self.version):
                document = self.upcasters[step](document)
            return self.adapter.validate_python(document)
        except (ValidationError, orjson.JSONDecodeError) as wrong:
            raise InvalidEventData(self.name, version, _reason(wrong)) from None


EVENT_TYPES: tuple[EventType, ...] = (
    EventType(name="payment.requested", model=payment.PaymentRequested),
    EventType(name="payment.intent_created", model=payment.PaymentIntentCreated),
    EventType(name="payment.confirmation_requested", model=payment.PaymentConfirmationRequested),
    EventType(name="payment.action_required", model=payment.PaymentActionRequired),
    EventType(name="payment.processing", model=payment.PaymentProcessing),
    EventType(name="payment.authorized", model=payment.PaymentAuthorized),
    EventType(name="payment.capture_requested", model=payment.PaymentCaptureRequested),
    EventType(name="payment.capture_failed", model=payment.PaymentCaptureFailed),
    EventType(name="payment.succeeded", model=payment.PaymentSucceeded),
    EventType(name="payment.attempt_failed", model=payment.PaymentAttemptFailed),
    EventType(name="payment.failed", model=payment.PaymentFailed),
    EventType(name="payment.cancel_requested", model=payment.PaymentCancelRequested),
    EventType(name="payment.cancel_failed", model=payment.PaymentCancelFailed),
    EventType(name="payment.canceled", model=payment.PaymentCanceled),
    EventType(name="payment.refund_requested", model=payment.RefundRequested),
    EventType(name="payment.refund_pending", model=payment.RefundPending),
    EventType(name="payment.refund_succeeded", model=payment.RefundSucceeded),
    EventType(name="payment.refund_failed", model=payment.RefundFailed),
)

_BY_NAME = {event_type.name: event_type for event_type in EVENT_TYPES}
_BY_MODEL = {event_type.model: event_type for event_type in EVENT_TYPES}


def encode(event: PaymentEvent, *, event_id: UUID, metadata: EventMetadata) -> NewEvent:
    """Write a domain event in its newest version."""
    event_type = _BY_MODEL[type(event)]
    return NewEvent(
        event_id=event_id,
        type=event_type.name,
        schema_version=event_type.version,
        data=event_type.adapter.dump_json(event),
        metadata=metadata,
    )


def decode(recorded: RecordedEvent) -> PaymentEvent:
    """Read a recorded event, whatever version it was written in.

    Raises UnknownEventType, UnsupportedSchemaVersion or InvalidEventData: each a SchemaError.
    """
    event_type = _BY_NAME.get(recorded.type)
    if event_type is None:
        raise UnknownEventType(recorded.type)
    return event_type.read(recorded.data, recorded.schema_version)


def _reason(wrong: Exception) -> str:
    """Say where the data is wrong without repeating it: it may hold what no log should."""
    if isinstance(wrong, ValidationError):
        return "; ".join(
            f"{'.'.join(str(part) for part in each['loc']) or 'event'}: {each['msg']}"
            for each in wrong.errors(include_input=False, include_url=False, include_context=False)
        )
    return "not JSON"

"""Writes and reads the events of one category: its event types by name on the wire and by Python class."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from domain.ids import EventId
from schemas.envelope import EventMetadata, NewEvent, RecordedEvent
from schemas.errors import SchemaError, UnknownEventType
from schemas.events.event_type import EventType

E = TypeVar("E")


class Codec(Generic[E]):
    """Turns events into `NewEvent` and `RecordedEvent` into events."""

    def __init__(self, event_types: Sequence[EventType[E]]) -> None:
        """`event_types` are of one category, and not empty."""
        self.event_types = tuple(event_types)
        (self.category,) = {each.category for each in event_types}
        self._by_name = {each.name: each for each in event_types}
        self._by_model = {each.model: each for each in event_types}

    def encode(self, event: E, *, event_id: EventId, metadata: EventMetadata) -> NewEvent:
        """Write an event in its newest version."""
        event_type = self._by_model[type(event)]
        return NewEvent(
            event_id=event_id,
            type=event_type.name,
            schema_version=event_type.version,
            data=event_type.adapter.dump_json(event),
            metadata=metadata,
        )

    def knows(self, event_type: str) -> bool:
        """Return whether events of this name are read here."""
        return event_type in self._by_name

    def decode(self, recorded: RecordedEvent) -> E:
        """Read a recorded event, whatever version it was written in.

        Raises UnknownEventType, UnsupportedSchemaVersion or InvalidEventData: each a SchemaError.
        """
        try:
            event_type = self._by_name.get(recorded.type)
            if event_type is None:
                raise UnknownEventType(recorded.type)
            return event_type.read(recorded.data, recorded.schema_version)
        except SchemaError as error:
            error.event = (
                f"event {recorded.event_id} (position {recorded.position}, "
                f"version {recorded.version} of stream {recorded.stream_id})"
            )
            raise

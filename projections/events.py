"""An event as projections get it: what was recorded, and what it says."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Self
from uuid import UUID

from domain.payment import PaymentEvent
from schemas.envelope import RecordedEvent
from schemas.events import decode


@dataclass(frozen=True, kw_only=True, slots=True)
class DecodedEvent:
    """A recorded event with its decoded fact, in the newest schema version."""

    recorded: RecordedEvent
    fact: PaymentEvent

    @classmethod
    def of(cls, recorded: RecordedEvent) -> Self:
        """Decode an event. Raises schemas.errors.SchemaError."""
        return cls(recorded=recorded, fact=decode(recorded))

    @property
    def stream_id(self) -> UUID:
        """The payment it belongs to."""
        return self.recorded.stream_id

    @property
    def version(self) -> int:
        """Its number within the payment."""
        return self.recorded.version


def by_stream(events: Iterable[DecodedEvent]) -> dict[UUID, list[DecodedEvent]]:
    """Group events by payment, keeping the order within each."""
    ordered = sorted(events, key=_stream)  # stable: the order within a stream stays
    return {stream_id: list(group) for stream_id, group in groupby(ordered, key=_stream)}


def _stream(event: DecodedEvent) -> UUID:
    return event.recorded.stream_id

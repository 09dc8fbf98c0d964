"""A log in memory, for unit tests: the contract of an `EventLog` is tested against it and against PostgreSQL.

Nothing is durable, and everything is in one process.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from domain.ids import MerchantId
from event_store.appends import (
    Append,
    Appended,
    AppendResult,
    ForeignStripeId,
    IdempotencyRecord,
    StoredResponse,
    VersionConflict,
)
from event_store.event_log import StreamAndResponse
from schemas.envelope import RecordedEvent


class MemoryEventLog:
    """An `Appender` and an `EventLog` that keep their events in memory."""

    def __init__(self) -> None:
        self.streams: dict[UUID, list[RecordedEvent]] = {}
        self._responses: dict[tuple[str, str], StoredResponse] = {}
        self._owners: dict[str, MerchantId] = {}
        self._position = 0

    async def append(self, item: Append) -> AppendResult:
        """Append, as the log's SQL function does: a known key comes before a conflict."""
        record = item.idempotency
        if record is not None and (seen := self._responses.get((item.merchant_id, record.key))) is not None:
            return seen
        stream = self.streams.get(item.stream_id, [])
        if len(stream) != item.expected_version:
            return VersionConflict(actual_version=len(stream))
        if any(self._owners.get(each, item.merchant_id) != item.merchant_id for each in item.stripe_ids):
            return ForeignStripeId()
        self._owners.update(dict.fromkeys(item.stripe_ids, item.merchant_id))
        for event in item.events:
            self._position += 1
            stream.append(
                RecordedEvent(
                    position=self._position,
                    event_id=event.event_id,
                    stream_id=item.stream_id,
                    version=len(stream) + 1,
                    category=item.category,
                    type=event.type,
                    schema_version=event.schema_version,
                    data=event.data,
                    metadata=event.metadata,
                    recorded_at=datetime.now(UTC),
                )
            )
        self.streams[item.stream_id] = stream
        if record is not None:
            self._responses[item.merchant_id, record.key] = record.stored_at(self._position)
        return Appended(version=len(stream), position=self._position)

    async def append_many(self, appends: Sequence[Append]) -> Sequence[AppendResult]:
        """Append, and answer each for itself."""
        return [await self.append(each) for each in appends]

    async def load_many(self, stream_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[RecordedEvent]]:
        """Return the events of each stream."""
        return {each: tuple(self.streams.get(each, ())) for each in stream_ids}

    async def load_with_response(self, stream_id: UUID, merchant_id: MerchantId, key: str) -> StreamAndResponse:
        """Return a stream and the response that is stored under the key."""
        response = await self.find_response(merchant_id, key)
        return StreamAndResponse(events=tuple(self.streams.get(stream_id, ())), response=response)

    async def load_as_of(self, position: int) -> Sequence[RecordedEvent]:
        """Return the stream that has its event at a position, up to there."""
        for events in self.streams.values():
            if any(event.position == position for event in events):
                return [event for event in events if event.position <= position]
        raise AssertionError(f"no event is at position {position}")

    async def find_response(self, merchant_id: MerchantId, key: str) -> StoredResponse | None:
        """Return the response that is stored under the key."""
        return self._responses.get((merchant_id, key))

    async def store_response(
        self, stream_id: UUID, merchant_id: MerchantId, version: int, record: IdempotencyRecord
    ) -> StoredResponse | None:
        """Store the response to a command that appended nothing; return the stored one if the key is known."""
        if (seen := self._responses.get((merchant_id, record.key))) is not None:
            return seen
        self._responses[merchant_id, record.key] = record.stored_at(self.streams[stream_id][version - 1].position)
        return None

    def lose_responses(self) -> None:
        """Keep of each record what Kafka knows: all but its response."""
        self._responses = {key: replace(each, response=None) for key, each in self._responses.items()}

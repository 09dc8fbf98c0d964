"""A small stand-in for the event store and its relay: events, and their publication to one topic."""

import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer

from domain.ids import EventId, MerchantId
from infra.kafka.clients import producer_config
from infra.settings.kafka import KafkaSettings
from schemas.cloudevents import to_kafka
from schemas.envelope import EventMetadata, RecordedEvent
from schemas.topics import partition_of


def recorded(position: int, stream_id: uuid.UUID, data: bytes = b"{}") -> RecordedEvent:
    return RecordedEvent(
        position=position,
        event_id=EventId(uuid.uuid4()),
        stream_id=stream_id,
        version=1,
        category="payment",
        type="test.happened",
        schema_version=1,
        data=data,
        metadata=EventMetadata(correlation_id="c", actor="test", merchant_id=MerchantId("m")),
        recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@dataclass(kw_only=True)
class Log:
    """All events so far, with the position of the one before in the same partition."""

    topic: str
    partitions: int
    producer: AIOKafkaProducer
    events: list[RecordedEvent] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def of(cls, settings: KafkaSettings, topic: str, partitions: int) -> "AsyncIterator[Log]":
        async with AIOKafkaProducer(**producer_config(settings)) as producer:
            yield cls(topic=topic, partitions=partitions, producer=producer)

    @property
    def positions(self) -> list[int]:
        return [event.position for event in self.events]

    def record(self, count: int, *, partition: int | None = None) -> list[RecordedEvent]:
        """Add events to the log without publishing them; positions have gaps, as real ones do."""
        for _ in range(count):
            position = self.events[-1].position + 3 if self.events else 5
            stream_id = uuid.uuid4()
            while partition is not None and partition_of(stream_id, self.partitions) != partition:
                stream_id = uuid.uuid4()
            self.events.append(recorded(position, stream_id))
        return self.events[-count:]

    async def publish(self, events: Iterable[RecordedEvent] | None = None) -> None:
        """Publish these events (all of them) in order, each with its predecessor's position."""
        for event in self.events if events is None else events:
            message = to_kafka(event, self._previous(event))
            await self.producer.send_and_wait(
                self.topic,
                message.value,
                message.key,
                partition=self._partition(event),
                headers=message.headers,
            )

    async def publish_garbage(self, partition: int, headers: list[tuple[str, bytes]] | None = None) -> None:
        await self.producer.send_and_wait(
            self.topic, b"{}", partition=partition, headers=headers or [("ce_id", b"\xff\xfe")]
        )

    def _partition(self, event: RecordedEvent) -> int:
        return partition_of(event.stream_id, self.partitions)

    def _previous(self, event: RecordedEvent) -> int:
        before = [
            each.position
            for each in self.events
            if each.position < event.position and self._partition(each) == self._partition(event)
        ]
        return max(before, default=0)

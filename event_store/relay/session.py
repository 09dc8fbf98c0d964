"""One life of a Kafka producer: from reading the progress back to the first error, after which it is thrown away."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from time import monotonic

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from event_store.relay.progress import Place, Progress, Published, resume
from event_store.relay.shard import Shard
from infra.kafka.clients import consumer_config, producer_config, stop_client
from infra.settings import KafkaSettings
from schemas.cloudevents import to_kafka
from schemas.envelope import RecordedEvent
from schemas.topics import RELAY_PROGRESS, event_topics, partition_of, topic_of

log = structlog.get_logger(__name__)

_PROGRESS = TopicPartition(RELAY_PROGRESS, 0)
_PLAIN_PROGRESS_EVERY_S = 1.0
"""Without transactions a record only saves repeats after a restart; one with every batch would only cost."""


class TopicWentBack(Exception):
    """A partition is shorter than what was published to it: the topic was recreated or the broker lost its memory."""

    def __init__(self, place: Place, expected: int, actual: int) -> None:
        super().__init__(f"{place} went back: offset {expected} was published, now it ends at {actual}")
        self.place = place


class Session:
    """Publishes batches. After any error the session is broken: leave it and open another."""

    def __init__(
        self,
        settings: KafkaSettings,
        producer: AIOKafkaProducer,
        watcher: AIOKafkaConsumer,
        progress: Progress,
    ) -> None:
        self._transactional = settings.kafka_transactions
        self._partitions = settings.kafka_topic_partitions
        self._timeout_s = settings.kafka_request_timeout_ms / 1000 * 2
        self._producer = producer
        self._watcher = watcher
        self._progress = progress
        self._progress_written_at = monotonic()
        self._progress_due = False

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: KafkaSettings, shard: Shard) -> AsyncIterator["Session"]:
        """Start a producer (which fences an older one of the shard) and read back how far the shard has come.

        Raises KafkaError (ProducerFenced when a newer relay of this shard lives), TimeoutError.
        """
        timeout_s = settings.kafka_request_timeout_ms / 1000 * 2
        name = f"paystream-relay-{shard.index}-of-{shard.count}"
        producer = AIOKafkaProducer(**producer_config(settings, client_id=name, transactional_id=name))
        watcher = AIOKafkaConsumer(**consumer_config(settings, client_id=f"{name}-watcher"))
        try:
            async with asyncio.timeout(timeout_s):
                await producer.start()
                await watcher.start()
                progress = await _read_progress(watcher, shard, settings.kafka_topic_partitions)
            session = cls(settings, producer, watcher, progress)
            yield session
            await session.write_progress()
        finally:
            await _stop(producer, watcher)

    @property
    def position(self) -> int:
        """Everything of the shard up to here is published."""
        return self._progress.position

    async def publish(self, events: Sequence[RecordedEvent], position: int) -> list[RecordedEvent]:
        """Publish the shard's part of `events`, which end at `position`; return that part.

        Raises KafkaError, TimeoutError or TopicWentBack.
        """
        async with asyncio.timeout(self._timeout_s):
            if self._transactional:
                await self._producer.begin_transaction()
            published, sent = await self._send(events)
            self._progress = Progress(shard=self._progress.shard, position=position, published=published)
            self._progress_due = True
            if self._transactional:
                await self._send_progress()
                await self._producer.commit_transaction()
            elif monotonic() - self._progress_written_at > _PLAIN_PROGRESS_EVERY_S:
                await self._send_progress()
        return sent

    async def check_topics(self) -> None:
        """Look whether the topics still hold what was published. Raises TopicWentBack, KafkaError, TimeoutError."""
        async with asyncio.timeout(self._timeout_s):
            ends = await _end_offsets(self._watcher, list(self._progress.published))
        for place, published in self._progress.published.items():
            if ends[place] <= published.offset:
                raise TopicWentBack(place, published.offset, ends[place])

    async def write_progress(self) -> None:
        """Write down what `publish` has put off; with transactions there is never anything left."""
        if self._progress_due:
            async with asyncio.timeout(self._timeout_s):
                await self._send_progress()

    async def _send(self, events: Sequence[RecordedEvent]) -> tuple[dict[Place, Published], list[RecordedEvent]]:
        """Send, wait for every single delivery, and return the new state of each partition."""
        published = dict(self._progress.published)
        deliveries = []
        sent: list[RecordedEvent] = []
        for event in events:
            place = Place(topic_of(event.category), partition_of(event.stream_id, self._partitions))
            last = published.get(place)
            if not self._progress.shard.owns(place.partition) or (last and event.position <= last.position):
                continue
            message = to_kafka(event, last.position if last else 0)
            delivery = await self._producer.send(
                place.topic,
                message.value,
                key=message.key,
                partition=place.partition,
                headers=message.headers,
            )
            published[place] = Published(event.position, last.offset if last else -1)
            deliveries.append((place, delivery))
            sent.append(event)
        # commit_transaction() would succeed although a batch failed: every delivery is waited for, one by one.
        await asyncio.gather(*(delivery for _, delivery in deliveries))
        first_offsets: dict[Place, int] = {}
        for place, delivery in deliveries:
            offset = delivery.result().offset
            if offset <= published[place].offset:
                raise TopicWentBack(place, published[place].offset, offset)
            first_offsets.setdefault(place, offset)
        for place, offset in first_offsets.items():
            published[place] = Published(published[place].position, offset)
        return published, sent

    async def _send_progress(self) -> None:
        progress = self._progress
        await self._producer.send_and_wait(RELAY_PROGRESS, progress.encode(), key=progress.key, partition=0)
        self._progress_written_at = monotonic()
        self._progress_due = False


async def _read_progress(consumer: AIOKafkaConsumer, shard: Shard, partitions: int) -> Progress:
    consumer.assign([_PROGRESS])
    end = (await consumer.end_offsets([_PROGRESS]))[_PROGRESS]
    await consumer.seek_to_beginning(_PROGRESS)
    newest: dict[bytes, Progress] = {}
    while not await _at_end(consumer, end):
        for record in (await consumer.getmany(_PROGRESS, timeout_ms=200)).get(_PROGRESS, []):
            if record.value is not None:
                progress = Progress.decode(record.value)
                newest[progress.key] = progress
    places = [Place(topic, each) for topic in event_topics() for each in range(partitions) if shard.owns(each)]
    ends = await _end_offsets(consumer, places)
    return resume(newest.values(), shard=shard, places=places, end_offsets=ends)


async def _at_end(consumer: AIOKafkaConsumer, end: int) -> bool:
    """Whether all is read: up to `end`, or to what a fetch says is the end (Tansu can say 1 of an empty topic)."""
    position, fetched_end = await consumer.position(_PROGRESS), consumer.highwater(_PROGRESS)
    return position >= end or (fetched_end is not None and position >= fetched_end)


async def _end_offsets(consumer: AIOKafkaConsumer, places: Sequence[Place]) -> dict[Place, int]:
    if not places:
        return {}
    ends = await consumer.end_offsets([TopicPartition(*place) for place in places])
    return {Place(each.topic, each.partition): end for each, end in ends.items()}


async def _stop(producer: AIOKafkaProducer, watcher: AIOKafkaConsumer) -> None:
    """Close both clients, whatever state they are in; closing a producer can hang while Kafka is away."""
    await asyncio.gather(*(stop_client(client.stop(), timeout_s=2) for client in (producer, watcher)))

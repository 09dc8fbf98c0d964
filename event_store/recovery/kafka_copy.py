"""Reads from Kafka what it holds of the log behind a position, in parts: of an old backup, millions of events."""

from collections import deque
from collections.abc import AsyncGenerator, Collection, Mapping
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord

from domain.ids import LogId
from event_store.relay.partitions import at_end, started
from event_store.relay.progress import Place
from infra.kafka.cell_clients import new_consumer
from infra.kafka.consumer.own_log import ForeignCluster
from infra.settings.kafka import KafkaSettings
from schemas.cloudevents import Delivered, from_kafka
from schemas.envelope import RecordedEvent
from schemas.errors import MalformedMessage
from schemas.topics import event_topics

log = structlog.get_logger(__name__)

_FIRST_STEP, _STEPS_GROW = 100, 4
_POLL_MS = 200


@dataclass(frozen=True, slots=True)
class Part:
    """A part of Kafka's copy: all that it has up to `until`, and after the part before it.

    `events` are in the order of positions; without transactions one may be there twice. `read_up_to` says how far each
    partition was read.
    """

    events: tuple[RecordedEvent, ...]
    until: int
    read_up_to: Mapping[Place, int]


async def read_copy(settings: KafkaSettings, position: int, own_log: LogId) -> AsyncGenerator[Part, None]:
    """Give the committed events of every topic, from some at or before `position` on; the last part may be empty.

    Positions rise within a partition, so the beginning is searched backwards in growing steps, and partitions are read
    side by side: what one of them is ahead of the others is kept, some 1 MB of each. Without transactions events may
    be there twice and in any order, and all is one part. Records that are not events are skipped.
    Raises ForeignCluster for an event of another log than `own_log`, KafkaError.
    """
    isolation = "read_committed" if settings.kafka_transactions else "read_uncommitted"
    reader = new_consumer(settings, client_id="paystream-recovery", isolation_level=isolation)
    async with started(reader) as consumer:
        places = [
            TopicPartition(topic, each) for topic in event_topics() for each in range(settings.kafka_topic_partitions)
        ]
        consumer.assign(places)
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        reading = _Reading(consumer, ends, own_log, believe_fetch=not settings.kafka_transactions)
        held = {place: begins[place] for place in places if ends[place] > begins[place]}
        if settings.kafka_transactions:
            held = await _starts(reading, held, position)
        reading.start(held)
        while True:
            await reading.fill(whole=not settings.kafka_transactions)
            part = reading.take()
            yield part
            if reading.is_over:
                return


async def _starts(
    reading: "_Reading", begins: Mapping[TopicPartition, int], position: int
) -> dict[TopicPartition, int]:
    """Return from which offset on each partition is to be read: there is an event at or before the position."""
    found = dict(begins)
    step, places_to_read = _FIRST_STEP, set(begins)
    while places_to_read:
        starts = {place: max(begins[place], reading.ends[place] - step) for place in places_to_read}
        first = await reading.first_of({place: start for place, start in starts.items() if start > begins[place]})
        for place in list(places_to_read):
            event = first.get(place)
            if starts[place] == begins[place] or (event is not None and event.position <= position):
                found[place] = starts[place]
                places_to_read.discard(place)
        step *= _STEPS_GROW
    return found


class _Reading:
    """Partitions that are read side by side."""

    def __init__(
        self, consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int], own_log: LogId, *, believe_fetch: bool
    ) -> None:
        self.ends = ends
        self._consumer = consumer
        self._own_log = own_log
        self._believe_fetch = believe_fetch
        self._left: set[TopicPartition] = set()
        self._waiting: dict[TopicPartition, deque[RecordedEvent]] = {}
        self._read_up_to: dict[Place, int] = {}

    @property
    def is_over(self) -> bool:
        """Whether everything was read and taken."""
        return not self._left and not any(self._waiting.values())

    def start(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Read from these offsets on."""
        for place, offset in offsets.items():
            self._consumer.seek(place, offset)
        self._left = set(offsets)
        self._waiting = {place: deque() for place in offsets}

    async def first_of(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, RecordedEvent]:
        """Return the first event of each partition from an offset on, where there is one."""
        for place, offset in offsets.items():
            self._consumer.seek(place, offset)
        found: dict[TopicPartition, RecordedEvent] = {}
        left = set(offsets)
        while left:
            for place, messages in (await self._messages(left)).items():
                if messages:
                    found.setdefault(place, messages[0].event)
            left = {place for place in left - found.keys() if not await self._is_at_end(place)}
        return found

    async def fill(self, *, whole: bool) -> None:
        """Read on, until of each partition something waits, or all of it was read; `whole`: all of every one."""
        while places_to_read := {place for place in self._left if whole or not self._waiting[place]}:
            for place, messages in (await self._messages(places_to_read)).items():
                self._waiting[place].extend(message.event for message in messages)
                highest = max((message.event.position for message in messages), default=0)
                self._read_up_to[Place(*place)] = max(self._read_up_to.get(Place(*place), 0), highest)
            self._left -= {place for place in places_to_read if await self._is_at_end(place)}

    def take(self) -> Part:
        """Return what waits up to where nothing can come before it any more."""
        if not self._left:
            until = max(self._read_up_to.values(), default=0)
        else:
            until = min(self._waiting[place][-1].position for place in self._left)
        taken: list[RecordedEvent] = []
        for events in self._waiting.values():
            if not self._left:
                taken += events
                events.clear()
            while events and events[0].position <= until:
                taken.append(events.popleft())
        taken.sort(key=lambda event: (event.position, event.version))
        return Part(tuple(taken), until, dict(self._read_up_to))

    async def _messages(self, places_to_read: Collection[TopicPartition]) -> dict[TopicPartition, list[Delivered]]:
        found: dict[TopicPartition, list[Delivered]] = {}
        for place, records in (await self._consumer.getmany(*places_to_read, timeout_ms=_POLL_MS)).items():
            found[place] = [message for record in records if (message := self._message(record)) is not None]
        return found

    def _message(self, record: ConsumerRecord) -> Delivered | None:
        try:
            message = from_kafka(record.value, record.headers)
        except MalformedMessage as error:
            log.warning("recovery_record_skipped", topic=record.topic, offset=record.offset, error=str(error))
            return None
        if message.log_id not in (None, self._own_log):
            raise ForeignCluster(self._own_log, message.log_id)
        return message

    async def _is_at_end(self, place: TopicPartition) -> bool:
        return await at_end(self._consumer, place, self.ends[place], believe_fetch=self._believe_fetch)

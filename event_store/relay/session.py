"""One session of publishing: from reading the progress back to the first error, after which a new one is opened."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata

from event_store.relay.batches import Batches, build
from event_store.relay.hanging_transaction import end_hanging_transaction
from event_store.relay.partitions import end_offsets
from event_store.relay.producer import Limits, fence, new_producer
from event_store.relay.progress import Lost, Place, Published, RelayProgress, Resumed
from event_store.relay.progress_topic import (
    newest_published,
    read_begun_records,
    read_records,
    require_own_log,
    resume_from,
    watching,
)
from event_store.relay.shard import Shard
from event_store.store import LogState
from infra.errors import InfraError
from infra.kafka.aiokafka_patches.stopping import end_producer
from infra.settings.kafka import KafkaSettings
from schemas.envelope import RecordedEvent
from schemas.topics import RELAY_PROGRESS

log = structlog.get_logger(__name__)

_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)


class TopicWentBack(Exception):
    """A partition is shorter than what was published to it: the topic was recreated or the broker lost its memory."""

    def __init__(self, place: Place, expected: int, actual: int) -> None:
        super().__init__(f"{place} went back: offset {expected} was published, now it ends at {actual}")
        self.place = place


class EventsRefused(Exception):
    """Kafka takes these events under no circumstances, as they are too large together; of one, it never will."""

    def __init__(self, events: Sequence[RecordedEvent], error: KafkaError) -> None:
        super().__init__(f"events from position {events[0].position} to {events[-1].position}: {error!r}")
        self.events = tuple(events)
        self.error = error


class EndReportedTooLow(InfraError):
    """A partition that was reported to have lost its content has it: a broker that was cut off had answered."""

    def __init__(self, place: Place, lost: Lost, offset: int) -> None:
        super().__init__(
            f"{place} was said to end at {lost.end}, without the event at position {lost.published.position} that was "
            f"published at {lost.published.offset} or later, but took a record at {offset}"
        )
        self.place = place


class _Sent(NamedTuple):
    """A batch that was handed over to the producer."""

    place: Place
    batch: BatchBuilder
    delivery: asyncio.Future[RecordMetadata]


class Session:
    """Publishes batches. After any error the session is broken: leave it and open another."""

    def __init__(
        self,
        settings: KafkaSettings,
        producer: AIOKafkaProducer,
        watcher: AIOKafkaConsumer,
        resumed: Resumed,
        *,
        state: LogState,
        newest: Sequence[Published],
        newest_epoch: int,
    ) -> None:
        self._transactional = settings.kafka_transactions
        self._partitions = settings.kafka_topic_partitions
        self._limit_s = Limits(settings).publish_s
        self._producer = producer
        self._watcher = watcher
        self._progress = replace(resumed.progress, log_id=state.log_id, epoch=state.epoch)
        self._log_id = state.log_id
        self._lost = dict(resumed.lost)
        self.newest = newest
        """The newest event of every partition when it was opened, whatever its shard."""
        # An epoch that began without a comparison was not announced: the next server has to hear of it from here.
        self._must_write_progress = newest_epoch < state.epoch and state.epoch > 1
        self.newest_epoch = newest_epoch
        """The newest in which any relay has published; 0 when that is not known."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: KafkaSettings, shard: Shard, state: LogState, overlapping: Collection[Shard] = ()
    ) -> AsyncIterator["Session"]:
        """Start a producer (which fences an older one of the shard) and read back how far the shard has come.

        `state` is that of the log that is to be published; raises ForeignCluster when the records are of another one.

        With transactions the producers of `overlapping` shards, and of those that the progress topic names, are fenced
        as well, before the progress is read: what they had begun is then either in it, or never will be.
        Raises KafkaError (ProducerFenced when a newer relay of this shard lives), TransactionOpen, TimeoutError,
        ProgressLost.
        """
        limits, name = Limits(settings), shard.transactional_id
        producer = new_producer(settings, shard)
        try:
            async with watching(settings, name) as watcher:
                is_fencing = False
                end_hanging = partial(
                    end_hanging_transaction, settings, shard, producer, watcher, within_s=limits.publish_s
                )
                try:
                    async with asyncio.timeout(limits.open_s):
                        begun = await read_begun_records(settings, name, watcher)
                        require_own_log(begun, state.log_id)  # before a producer starts, and fences another log's relay
                        await producer.start()
                        if settings.kafka_transactions:
                            found = {record.shard for record in begun}
                            others = {each for each in found if each.overlaps(shard, settings.kafka_topic_partitions)}
                            await fence(settings, (others | set(overlapping)) - {shard})
                            await end_hanging(others_had_time=False)
                            is_fencing = True
                        records = await read_records(settings, name, watcher)
                        newest = await newest_published(records, settings, watcher)
                        resumed = await resume_from(records, settings, shard, watcher)
                except TimeoutError:
                    if is_fencing:
                        async with asyncio.timeout(limits.publish_s * 2):
                            await end_hanging(others_had_time=True)
                    raise
                newest_epoch = max((each.epoch for each in records), default=0)
                session = cls(
                    settings, producer, watcher, resumed, state=state, newest=newest, newest_epoch=newest_epoch
                )
                yield session
                await session.write_progress()
        except BaseException:
            await end_producer(producer, deliver=False)
            raise
        await end_producer(producer, deliver=True)

    @property
    def position(self) -> int:
        """Everything of the shard up to here is published."""
        return self._progress.position

    async def publish(
        self, events: Sequence[RecordedEvent], position: int, *, one_by_one: bool = False
    ) -> list[RecordedEvent]:
        """Publish the shard's part of `events`, which end at `position`; return that part.

        `one_by_one`: each in a batch of its own. Raises EventsRefused, KafkaError, TimeoutError, TopicWentBack or
        EndReportedTooLow; then nothing of it was committed, or (a time-out of the commit) all of it: the next session
        reads back which.
        """
        before = self._progress
        batches = build(
            events,
            before.published,
            self._producer.create_batch,
            shard=before.shard,
            partitions=self._partitions,
            log_id=self._log_id,
            one_by_one=one_by_one,
        )
        if not batches.events:
            self._progress, self._must_write_progress = replace(before, position=position), True
            return []
        async with asyncio.timeout(self._limit_s):
            if self._transactional:
                await self._producer.begin_transaction()
            sent = await self._send(batches)
            deliveries = [each.delivery for each in sent]
            if self._transactional:
                # At once: another round trip for the exact offsets would cost a third of a small transaction.
                expected = {place: _at_least(before, batches, place) for place in batches.positions}
                progress = replace(before, position=position, published={**before.published, **expected})
                deliveries.append(await self._send_record(progress))
            # commit_transaction() would succeed although a batch failed: every delivery is awaited.
            try:
                await asyncio.gather(*deliveries)
            except KafkaError:
                _raise_if_refused(batches, sent)
                raise
            published = self._check(batches, sent)
            if self._transactional:
                await self._producer.commit_transaction()
        self._progress = replace(before, position=position, published={**before.published, **published})
        self._must_write_progress = not self._transactional
        for place in published:
            self._lost.pop(place, None)
        return batches.events

    async def check_topics(self) -> None:
        """Check that the topics still hold what was published. Raises TopicWentBack, KafkaError, TimeoutError."""
        async with asyncio.timeout(self._limit_s):
            ends = await end_offsets(self._watcher, list(self._progress.published))
        for place, published in self._progress.published.items():
            if ends[place] <= published.offset:
                raise TopicWentBack(place, published.offset, ends[place])

    async def write_progress(self) -> None:
        """Write the progress that `publish` left to be written.

        Without transactions that is all: a record only saves repeats after a restart, one with every batch would only
        cost. With them it is how far the log was passed that belongs to other shards.
        """
        if self._must_write_progress:
            async with asyncio.timeout(self._limit_s):
                if self._transactional:
                    await self._producer.begin_transaction()
                await (await self._send_record(self._progress))
                if self._transactional:
                    await self._producer.commit_transaction()
            self._must_write_progress = False

    async def _send(self, batches: Batches) -> list[_Sent]:
        """Hand over every batch to the producer; return them with what becomes of each."""
        sent = []
        for turn in batches.rounds():
            for place, batch in turn:
                delivery = await self._producer.send_batch(batch, place.topic, partition=place.partition)
                delivery.add_done_callback(_retrieve)
                sent.append(_Sent(place, batch, delivery))
        return sent

    def _check(self, batches: Batches, sent: Sequence[_Sent]) -> dict[Place, Published]:
        """Return what is published now where something was sent. Raises TopicWentBack or EndReportedTooLow."""
        offsets: dict[Place, list[int]] = {}
        for each in sent:
            offsets.setdefault(each.place, []).append(each.delivery.result().offset)
        found: dict[Place, Published] = {}
        for place, position in batches.positions.items():
            first, last = offsets[place][0], offsets[place][-1] + batches.of_place[place][-1].record_count() - 1
            for batch, (offset, following) in zip(batches.of_place[place], pairwise(offsets[place]), strict=False):
                end = offset + batch.record_count() - 1
                if following <= end:  # the broker took one, lost its memory, and took the next
                    raise TopicWentBack(place, end, following)
            before = self._progress.published.get(place)
            if before is not None and first <= before.offset:
                raise TopicWentBack(place, before.offset, first)
            lost = self._lost.get(place)
            if self._transactional and lost is not None and first > lost.highest_first:
                raise EndReportedTooLow(place, lost, first)
            found[place] = Published(position, last if self._transactional else first, batches.event_ids[place])
        return found

    async def _send_record(self, progress: RelayProgress) -> asyncio.Future[RecordMetadata]:
        """Hand over the record of `progress`.

        A place that lost its content stays in it as it was, until something is published there again: should it hold
        its content after all, the next session has to know.
        """
        lost = {place: each.published for place, each in self._lost.items()}
        record = replace(progress, published={**lost, **progress.published})
        delivery: asyncio.Future[RecordMetadata] = await self._producer.send(
            RELAY_PROGRESS, record.encode(), key=record.key, partition=0
        )
        return delivery


def _at_least(before: RelayProgress, batches: Batches, place: Place) -> Published:
    """Return what will be published at a place: its last offset is this one or, after markers, a higher one."""
    last = before.published.get(place)
    count = sum(batch.record_count() for batch in batches.of_place[place])
    return Published(batches.positions[place], (last.offset if last else -1) + count, batches.event_ids[place])


def _raise_if_refused(batches: Batches, sent: Sequence[_Sent]) -> None:
    """Raise EventsRefused when Kafka said of a batch that it is too large; of others it may have said nothing yet."""
    for each in sent:
        delivery = each.delivery
        if delivery.done() and not delivery.cancelled() and isinstance(error := delivery.exception(), _TOO_LARGE):
            raise EventsRefused(batches.of_batch[id(each.batch)], error) from error


def _retrieve(delivery: asyncio.Future[object]) -> None:
    """Retrieve the error of a delivery that is not awaited any more, or asyncio logs it."""
    if not delivery.cancelled():
        delivery.exception()

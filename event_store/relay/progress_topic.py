"""Reads back from Kafka how far a shard has come, and asks where partitions end."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from event_store.relay.progress import Place, Progress, Resumed, resume
from event_store.relay.shard import Shard
from infra.errors import InfraError
from infra.kafka.clients import consumer_config
from infra.kafka.ending import end_consumer
from infra.settings import KafkaSettings
from schemas.topics import RELAY_PROGRESS, event_topics

log = structlog.get_logger(__name__)

_PROGRESS = TopicPartition(RELAY_PROGRESS, 0)


class ProgressLost(InfraError):
    """A topic holds events that no progress record speaks of: publishing them again would put them there twice."""

    def __init__(self, place: Place) -> None:
        super().__init__(
            f"{place} holds events, but topic {RELAY_PROGRESS} has no record of them: it was deleted or emptied. "
            f"Delete the other topics as well; they are filled again from the log."
        )
        self.place = place


@asynccontextmanager
async def watching(settings: KafkaSettings, name: str) -> AsyncIterator[AIOKafkaConsumer]:
    """Lend a consumer that sees where partitions really end (the high watermark).

    To one of committed data a partition seems to end where any producer's open transaction begins.
    """
    options = consumer_config(settings, client_id=f"{name}-watcher") | {"isolation_level": "read_uncommitted"}
    async with _started(AIOKafkaConsumer(**options)) as consumer:
        yield consumer


async def read_records(settings: KafkaSettings, name: str, watcher: AIOKafkaConsumer) -> list[Progress]:
    """Return the committed progress records, the newest of each shard there ever was, oldest first.

    Waits for what other shards have in flight: a record behind the beginning of an open transaction is not to be seen
    until that has ended.
    """
    isolation = "read_committed" if settings.kafka_transactions else "read_uncommitted"
    return await _newest(settings, name, watcher, isolation)


async def shards_of_records(settings: KafkaSettings, name: str, watcher: AIOKafkaConsumer) -> set[Shard]:
    """Return the shards that ever began a transaction, committed or not. Does not wait for open ones."""
    return {record.shard for record in await _newest(settings, name, watcher, "read_uncommitted")}


async def _newest(settings: KafkaSettings, name: str, watcher: AIOKafkaConsumer, isolation: str) -> list[Progress]:
    end = (await watcher.end_offsets([_PROGRESS]))[_PROGRESS]
    options = consumer_config(settings, client_id=f"{name}-reader") | {"isolation_level": isolation}
    async with _started(AIOKafkaConsumer(**options)) as reader:
        values = await _values(reader, end, believe_fetch=not settings.kafka_transactions)
    return [Progress.decode(value) for value in values]


async def _values(reader: AIOKafkaConsumer, end: int, *, believe_fetch: bool) -> list[bytes]:
    """Return the newest value of each key, in the order of their offsets: only those are worth decoding."""
    values: dict[bytes, bytes] = {}
    reader.assign([_PROGRESS])
    await reader.seek_to_beginning(_PROGRESS)
    while not await _at_end(reader, end, believe_fetch=believe_fetch):
        for record in (await reader.getmany(_PROGRESS, timeout_ms=200)).get(_PROGRESS, []):
            values.pop(record.key, None)
            if record.value is not None:
                values[record.key] = record.value
    return list(values.values())


async def resume_from(
    records: Collection[Progress], settings: KafkaSettings, shard: Shard, watcher: AIOKafkaConsumer
) -> Resumed:
    """Compare the records with what the topics hold. Raises ProgressLost, with transactions."""
    places = [
        Place(topic, each) for topic in event_topics() for each in shard.partitions(settings.kafka_topic_partitions)
    ]
    ends = await end_offsets(watcher, places)
    found = resume(records, shard=shard, places=places, end_offsets=ends)
    if settings.kafka_transactions:
        for place in sorted(found.unrecorded):
            if ends[place] and await _holds_events(settings, place, ends[place]):
                raise ProgressLost(place)
    return found


async def end_offsets(watcher: AIOKafkaConsumer, places: Collection[Place]) -> dict[Place, int]:
    """Return where partitions end. Raises KafkaError, also when one does not exist (after the request time-out)."""
    if not places:
        return {}
    ends = await watcher.end_offsets([TopicPartition(*place) for place in places])
    return {Place(each.topic, each.partition): end for each, end in ends.items()}


async def _holds_events(settings: KafkaSettings, place: Place, end: int) -> bool:
    """Whether there is a committed record: what is left of aborted transactions counts for nothing."""
    partition = TopicPartition(*place)
    async with _started(AIOKafkaConsumer(**consumer_config(settings))) as consumer:
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        while await consumer.position(partition) < end:
            if await consumer.getmany(partition, timeout_ms=200):
                return True
    return False


async def _at_end(consumer: AIOKafkaConsumer, end: int, *, believe_fetch: bool) -> bool:
    """Whether all is read up to `end`.

    `believe_fetch`: or up to what a fetch says is the end. Tansu can say 1 of an empty topic when it is asked. A real
    broker's fetch can say too little, after a change of the leader.
    """
    position, fetched_end = await consumer.position(_PROGRESS), consumer.highwater(_PROGRESS)
    return position >= end or (believe_fetch and fetched_end is not None and position >= fetched_end)


@asynccontextmanager
async def _started(consumer: AIOKafkaConsumer) -> AsyncIterator[AIOKafkaConsumer]:
    try:
        await consumer.start()
        yield consumer
    finally:
        await end_consumer(consumer)

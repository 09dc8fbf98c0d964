"""Reads from the partitions of events where they end, and what they hold."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

from aiokafka import AIOKafkaConsumer, TopicPartition

from event_store.relay.progress import Place, Published
from infra.kafka.aiokafka_patches.stopping import end_consumer
from infra.kafka.cell_clients import new_consumer
from infra.settings.kafka import KafkaSettings
from schemas.cloudevents import from_kafka, is_at
from schemas.errors import MalformedMessage
from schemas.topics import event_topics

_POLL_MS = 200


def event_places(numbers: Sequence[int]) -> list[Place]:
    """Return the partitions of these numbers of every topic of events."""
    return [Place(topic, each) for topic in event_topics() for each in numbers]


async def end_offsets(watcher: AIOKafkaConsumer, places: Collection[Place]) -> dict[Place, int]:
    """Return where partitions end. Raises KafkaError, also when one does not exist (after the request time-out)."""
    if not places:
        return {}
    ends = await watcher.end_offsets([TopicPartition(*place) for place in places])
    return {Place(each.topic, each.partition): end for each, end in ends.items()}


async def holding(
    settings: KafkaSettings, published: Mapping[Place, Published], ends: Mapping[Place, int]
) -> set[Place]:
    """Return the places that hold the event that was published there last, according to its record.

    An end beyond its offset says nothing: aborted records count there too, and repeats without transactions. So the
    event itself is looked for, from its offset on: it is one of the last in the partition.
    """
    sought = {TopicPartition(*place): each for place, each in published.items() if ends[place] > each.offset}
    if not sought:
        return set()
    held: set[Place] = set()
    async with started(new_consumer(settings)) as consumer:
        consumer.assign(list(sought))
        for partition, each in sought.items():
            consumer.seek(partition, each.offset)
        while sought:
            for partition, records in (await consumer.getmany(*sought, timeout_ms=_POLL_MS)).items():
                if any(is_at(sought[partition].position, record.headers) for record in records):
                    held.add(Place(*partition))
            for partition in list(sought):
                end = ends[Place(*partition)]
                if Place(*partition) in held or await at_end(
                    consumer, partition, end, believe_fetch=not settings.kafka_transactions
                ):
                    del sought[partition]
    return held


async def last_events(
    settings: KafkaSettings, starts: Mapping[Place, int], ends: Mapping[Place, int]
) -> list[Published]:
    """Return the newest event of each place that holds any from an offset on."""
    left = {TopicPartition(*place) for place, start in starts.items() if ends[place] > start}
    newest: dict[TopicPartition, Published] = {}
    if not left:
        return []
    async with started(new_consumer(settings)) as consumer:
        consumer.assign(list(left))
        for partition in left:
            consumer.seek(partition, starts[Place(*partition)])
        while left:
            for partition, records in (await consumer.getmany(*left, timeout_ms=_POLL_MS)).items():
                for record in records:
                    with suppress(MalformedMessage):
                        event = from_kafka(record.value, record.headers).event
                        found = Published(event.position, record.offset, event.event_id)
                        newest[partition] = max(newest.get(partition, found), found, key=lambda each: each.position)
            left -= {each for each in left if await at_end(consumer, each, ends[Place(*each)], believe_fetch=True)}
    return list(newest.values())


async def holds_events(settings: KafkaSettings, place: Place, end: int) -> bool:
    """Whether there is a committed record: what is left of aborted transactions counts for nothing."""
    partition = TopicPartition(*place)
    async with started(new_consumer(settings)) as consumer:
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        while await consumer.position(partition) < end:
            if await consumer.getmany(partition, timeout_ms=_POLL_MS):
                return True
    return False


async def at_end(consumer: AIOKafkaConsumer, partition: TopicPartition, end: int, *, believe_fetch: bool) -> bool:
    """Whether all is read up to `end`.

    `believe_fetch`: or up to what a fetch says is the end. Tansu can say 1 of an empty topic when it is asked. A real
    broker's fetch can say too little, after a change of the leader.
    """
    position, fetched_end = await consumer.position(partition), consumer.highwater(partition)
    return position >= end or (believe_fetch and fetched_end is not None and position >= fetched_end)


@asynccontextmanager
async def started(consumer: AIOKafkaConsumer) -> AsyncIterator[AIOKafkaConsumer]:
    """Lend a consumer that is started, and end it, whatever state it is in then."""
    try:
        await consumer.start()
        yield consumer
    finally:
        await end_consumer(consumer)

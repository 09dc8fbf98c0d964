"""Ends a transaction of a shard's own producer that Kafka has lost track of.

Whoever reads committed records only stops where it begins, for good. Kafka 4.4 was seen to do that: killed while it
writes the markers of a commit, the only broker calls the transaction complete once it is back, and some partitions
never get theirs. The marker of a later transaction ends all that the producer has open in a partition, and a producer
keeps its id: so its successor ends a transaction without records over all partitions of the shard. It commits if
anything of the lost one can be read, as that was committed then, and aborts otherwise: each event is there once.
"""

import asyncio
import time
from collections.abc import Collection, Mapping

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from event_store.relay.partitions import end_offsets, event_places, holding, started
from event_store.relay.progress import Place, RelayProgress
from event_store.relay.progress_topic import TransactionOpen, read_begun_records, read_records_up_to
from event_store.relay.shard import Shard
from infra.kafka.cell_clients import new_consumer
from infra.kafka.names import KafkaNames
from infra.settings.kafka import KafkaSettings
from schemas.topics import RELAY_PROGRESS

log = structlog.get_logger(__name__)

_PROGRESS = Place(RELAY_PROGRESS, 0)
_LOOK_EVERY_S = 0.1


async def end_hanging_transaction(
    settings: KafkaSettings,
    shard: Shard,
    producer: AIOKafkaProducer,
    watcher: AIOKafkaConsumer,
    *,
    within_s: float,
    others_had_time: bool,
) -> None:
    """End what the shard's producers have left open, if that keeps partitions from being read to their end.

    `producer` is the shard's newest, and was started: what Kafka knew of has ended. The topic of the progress has open
    transactions of other shards too: it counts where they had the time to end them (`others_had_time`). Raises
    TransactionOpen when a partition still cannot be read after `within_s`.
    """
    names = KafkaNames.of(settings)
    places = [_PROGRESS, *event_places(shard.partitions(settings.kafka_topic_partitions))]
    ends, stable = await end_offsets(watcher, places), await _readable_up_to(settings, places)
    hanging = {place for place in places if stable[place] < ends[place]}
    if not hanging or (hanging == {_PROGRESS} and not others_had_time):
        return
    commits = await _was_committed(settings, shard, watcher, hanging, stable)
    await _end_empty_transaction(producer, [names.place(TopicPartition(*each)) for each in places], commits=commits)
    log.warning("relay_ended_transaction", partitions=sorted(map(str, hanging)), committed=commits)
    deadline = time.monotonic() + within_s
    if not others_had_time:
        hanging.discard(_PROGRESS)
    while any(stable[place] < ends[place] for place in hanging):
        if time.monotonic() > deadline:
            place = min(place for place in hanging if stable[place] < ends[place])
            raise TransactionOpen(place, stable[place], ends[place])
        await asyncio.sleep(_LOOK_EVERY_S)
        stable = await _readable_up_to(settings, hanging)


async def _readable_up_to(settings: KafkaSettings, places: Collection[Place]) -> dict[Place, int]:
    """Return where the first open transaction of each place begins, or else its end."""
    async with started(new_consumer(settings)) as reader:
        return await end_offsets(reader, places)


async def _was_committed(
    settings: KafkaSettings,
    shard: Shard,
    watcher: AIOKafkaConsumer,
    hanging: Collection[Place],
    stable: Mapping[Place, int],
) -> bool:
    """Whether anything of the transaction can be read: its record, or the newest event of a place."""
    name = shard.transactional_id
    begun = _of_shard(await read_begun_records(settings, name, watcher), shard)
    if begun is None:
        return False
    if _PROGRESS not in hanging:  # its record is committed, if it has come to one: events behind it are of a later one
        ours = {place: each for place, each in begun.published.items() if place in hanging}
        return len(await holding(settings, ours, stable)) < len(ours)
    committed = _of_shard(await read_records_up_to(settings, name, stable[_PROGRESS]), shard)
    before = {} if committed is None else committed.published
    new = {
        place: each
        for place, each in begun.published.items()
        if place not in hanging and (place not in before or before[place].position < each.position)
    }
    return bool(await holding(settings, new, stable))


def _of_shard(records: Collection[RelayProgress], shard: Shard) -> RelayProgress | None:
    return next((each for each in records if each.shard == shard), None)


async def _end_empty_transaction(
    producer: AIOKafkaProducer, partitions: Collection[TopicPartition], *, commits: bool
) -> None:
    """End a transaction that has partitions, as Kafka calls them, and no records.

    aiokafka offers none, so this reaches into it.
    """
    await producer.begin_transaction()
    transaction = producer._txn_manager  # noqa: SLF001 - see above
    for partition in partitions:
        transaction.maybe_add_partition_to_txn(partition)
    await (producer.commit_transaction() if commits else producer.abort_transaction())

"""Reads back from Kafka how far a shard has come, and compares it with what the topics hold."""

from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from domain.ids import LogId
from event_store.relay.partitions import (
    at_end,
    end_offsets,
    event_places,
    holding,
    holds_events,
    last_events,
    started,
)
from event_store.relay.progress import Place, Published, RelayProgress, Resumed, last_published, resume
from event_store.relay.shard import Shard
from infra.errors import InfraError
from infra.kafka.cell_clients import new_consumer
from infra.kafka.consumer.own_log import ForeignCluster
from infra.settings.kafka import KafkaSettings
from schemas.topics import RELAY_PROGRESS

_PROGRESS = TopicPartition(RELAY_PROGRESS, 0)


class ProgressLost(InfraError):
    """A topic holds events without a progress record: publishing them again would duplicate them."""

    def __init__(self, place: Place) -> None:
        super().__init__(
            f"{place} holds events, but topic {RELAY_PROGRESS} has no record of them: it was deleted or emptied. "
            f"Delete the other topics as well; they are filled again from the log."
        )
        self.place = place


class TransactionOpen(InfraError):
    """A transaction in a partition does not end: nothing behind its beginning can be read."""

    def __init__(self, place: Place, begins: int, end: int) -> None:
        super().__init__(
            f"{place} can be read up to offset {begins} of {end}: a transaction that began there has not "
            f"ended. If it stays, Kafka has lost track of it, and an operator has to end it: "
            f"docs/runbooks/hanging-transaction.md"
        )
        self.begins = begins


@asynccontextmanager
async def watching(settings: KafkaSettings, name: str) -> AsyncIterator[AIOKafkaConsumer]:
    """Lend a consumer that sees where partitions really end (the high watermark).

    To one of committed data a partition seems to end where any producer's open transaction begins.
    """
    watcher = new_consumer(settings, client_id=f"{name}-watcher", isolation_level="read_uncommitted")
    async with started(watcher) as consumer:
        yield consumer


async def read_records(settings: KafkaSettings, name: str, watcher: AIOKafkaConsumer) -> list[RelayProgress]:
    """Return the committed progress records, the newest of each shard there ever was, oldest first.

    Waits for what other shards have in flight: a record behind the beginning of an open transaction cannot be read
    until that has ended.
    """
    isolation = "read_committed" if settings.kafka_transactions else "read_uncommitted"
    return await _newest(settings, name, watcher, isolation)


async def read_records_up_to(settings: KafkaSettings, name: str, end: int) -> list[RelayProgress]:
    """Return the committed progress records before an offset up to which they can be read."""
    return await _read(settings, name, end, "read_committed")


async def read_begun_records(settings: KafkaSettings, name: str, watcher: AIOKafkaConsumer) -> list[RelayProgress]:
    """Return the newest record of each shard that ever began a transaction, committed or not. Waits for no open one."""
    return await _newest(settings, name, watcher, "read_uncommitted")


def require_own_log(records: Iterable[RelayProgress], log_id: LogId) -> None:
    """Raise ForeignCluster when a record is of another log."""
    for record in records:
        if record.log_id not in (None, log_id):
            raise ForeignCluster(log_id, record.log_id)


async def _newest(settings: KafkaSettings, name: str, watcher: AIOKafkaConsumer, isolation: str) -> list[RelayProgress]:
    return await _read(settings, name, (await watcher.end_offsets([_PROGRESS]))[_PROGRESS], isolation)


async def _read(settings: KafkaSettings, name: str, end: int, isolation: str) -> list[RelayProgress]:
    async with started(new_consumer(settings, client_id=f"{name}-reader", isolation_level=isolation)) as reader:
        values = await _values(reader, end, believe_fetch=not settings.kafka_transactions)
    return [RelayProgress.decode(value) for value in values]


async def _values(reader: AIOKafkaConsumer, end: int, *, believe_fetch: bool) -> list[bytes]:
    """Return the newest value of each key, in the order of their offsets: only those are worth decoding."""
    values: dict[bytes, bytes] = {}
    reader.assign([_PROGRESS])
    await reader.seek_to_beginning(_PROGRESS)
    while not await at_end(reader, _PROGRESS, end, believe_fetch=believe_fetch):
        for record in (await reader.getmany(_PROGRESS, timeout_ms=200)).get(_PROGRESS, []):
            values.pop(record.key, None)
            if record.value is not None:
                values[record.key] = record.value
    return list(values.values())


async def resume_from(
    records: Collection[RelayProgress], settings: KafkaSettings, shard: Shard, watcher: AIOKafkaConsumer
) -> Resumed:
    """Compare the records with what the topics hold. Raises ProgressLost, with transactions."""
    places = event_places(shard.partitions(settings.kafka_topic_partitions))
    ends = await end_offsets(watcher, places)
    last = last_published(records, places)
    held = await holding(settings, last, ends)
    found = resume(records, shard=shard, places=places, held=held, end_offsets=ends)
    if settings.kafka_transactions:
        for place in sorted(found.unrecorded):
            if ends[place] and await holds_events(settings, place, ends[place]):
                raise ProgressLost(place)
    return found


async def newest_published(
    records: Collection[RelayProgress], settings: KafkaSettings, watcher: AIOKafkaConsumer
) -> list[Published]:
    """Return the newest event of every partition, of all shards: the log has them, or it is older than Kafka."""
    places = event_places(range(settings.kafka_topic_partitions))
    last = last_published(records, places)
    if settings.kafka_transactions:
        return list(last.values())
    # A record is written once a second, and newer events may be there.
    ends = await end_offsets(watcher, places)
    starts = {place: last[place].offset if place in last else 0 for place in places}
    return await last_events(settings, starts, ends)

"""What follows the log: the relay, the projector, the gateway's claims, the gauge of the outbox; and its growth."""

import asyncio
import gc
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import psycopg
from aiokafka import AIOKafkaProducer, TopicPartition
from psycopg import sql

from domain.ids import PaymentId
from event_store.group_commit import GroupCommit
from event_store.relay.queue import show_queue
from event_store.relay.relay import Relay
from event_store.relay.shard import Shard
from event_store.store import append
from infra.embedded.topics import create_topics
from infra.ids import uuid7
from infra.kafka.clients import producer_config
from infra.postgres.pool import create_pool
from infra.process.run import collect_garbage_seldom
from infra.settings.kafka import KafkaSettings
from projections.process import MAX_RECORDS
from projections.registry import PROJECTIONS
from projections.runner import projecting
from schemas.cloudevents import Delivered, to_kafka
from schemas.envelope import RecordedEvent
from schemas.topics import partition_of, topic_of
from tests.load.bench.append import appends_a_second, durable_database
from tests.load.bench.measurement import Context, Goal, Prepared, Row, Rows, Sample
from tests.support.database import Database, fresh_database, postgres_server
from tests.support.kafka import embedded_broker
from tests.support.log_entries import an_append
from tests.support.payment_histories import random_history
from tests.support.read_model import load_log, store
from tests.support.waiting import eventually

_BACKLOG = 20_000
_PARTITIONS = 12
_PAYMENTS = 1_000
_STEPS = 6
_GROWN = 1_000_000
_GROWN_SECONDS = 4.0
_BEHIND = 200_000
_BATCH = 500
_EVENTS_OF_AN_APPEND = 4
_READ_MODEL = "SELECT tablename FROM pg_tables WHERE schemaname = 'read_model' ORDER BY tablename"


async def _fill(database: Database, events: int) -> None:
    """Append so many events, in streams of four."""
    async with await psycopg.AsyncConnection.connect(database.url("app")) as app:
        for at in range(0, events, _EVENTS_OF_AN_APPEND * _BATCH):
            streams = min(_BATCH, -(-(events - at) // _EVENTS_OF_AN_APPEND))
            await append(app, [an_append(events=_EVENTS_OF_AN_APPEND) for _ in range(streams)])
            await app.commit()


@asynccontextmanager
async def _publishing(context: Context) -> Prepared:
    async with (
        postgres_server(context.folder / "publishing") as server,
        fresh_database(server) as database,
        await psycopg.AsyncConnection.connect(database.url("app")) as app,
    ):
        await _fill(database, context.count(_BACKLOG))
        log = await load_log(app)
        await app.commit()

        async def measure() -> Sample:
            async with _empty_broker(context) as settings:
                ours = await _relayed_a_second(settings, database, len(log))
            async with _empty_broker(context) as settings:
                return Sample(value=ours, limit=await _produced_a_second(settings, log))

        yield measure


@asynccontextmanager
async def _empty_broker(context: Context) -> AsyncIterator[KafkaSettings]:
    async with embedded_broker(context.folder / f"broker-{uuid7()}") as broker:
        await create_topics(broker.address, partitions=_PARTITIONS)
        yield KafkaSettings(
            kafka_bootstrap_servers=broker.address,
            kafka_replication_factor=1,
            kafka_topic_partitions=_PARTITIONS,
            kafka_transactions=False,
        )


async def _relayed_a_second(settings: KafkaSettings, database: Database, events: int) -> float:
    stop = asyncio.Event()
    relay = Relay(settings, database.url("relay"), Shard(index=0, count=1), stop)
    running = asyncio.create_task(relay.run())

    async def position() -> int:
        return -1 if relay.position is None else relay.position

    await eventually(position, lambda found: found >= 0, within=30, every=0.002)
    started = time.monotonic()
    await eventually(position, lambda found: found >= events, within=300, every=0.005)
    seconds = time.monotonic() - started
    stop.set()
    await running
    return events / seconds


async def _produced_a_second(settings: KafkaSettings, log: Sequence[RecordedEvent]) -> float:
    """Send the same messages with aiokafka's producer, as its documentation shows it."""
    messages = [(topic_of(event.category), to_kafka(event, 0)) for event in log]
    producer = AIOKafkaProducer(**producer_config(settings))
    await producer.start()
    try:
        await producer.partitions_for(messages[0][0])
        started = time.monotonic()
        sent = [
            await producer.send(topic, message.value, key=message.key, headers=message.headers)
            for topic, message in messages
        ]
        await asyncio.gather(*sent)
        return len(messages) / (time.monotonic() - started)
    finally:
        await producer.stop()


@asynccontextmanager
async def _projecting(context: Context) -> Prepared:
    chance = random.Random(1)
    ids = [uuid7() for _ in range(context.count(_PAYMENTS))]
    async with postgres_server(context.folder / "projecting") as server:
        async with (
            fresh_database(server) as database,
            await psycopg.AsyncConnection.connect(database.url("app")) as app,
        ):
            await store(app, [(each, random_history(chance, payment_id=PaymentId(each), steps=_STEPS)) for each in ids])
            log = await load_log(app)
        polls = _polls_of(log)

        async def measure() -> Sample:
            async with (
                fresh_database(server) as database,
                create_pool(database.url("projector"), size=2, name="bench") as pool,
            ):
                apply = projecting(pool, PROJECTIONS)
                with _garbage_collected_seldom():
                    started = time.monotonic()
                    for batches in polls:
                        results = await apply.apply_together(batches)
                        assert all(result.gap is None for result in results.values())
                    seconds = time.monotonic() - started
                return Sample(value=len(log) / seconds, limit=len(log) / await _copy_seconds(database))

        yield measure


def _polls_of(log: Sequence[RecordedEvent]) -> list[dict[TopicPartition, list[Delivered]]]:
    """Return what the projector's polls bring of a log: the next records, of all partitions."""
    polls, last = list[dict[TopicPartition, list[Delivered]]](), dict[TopicPartition, int]()
    for at in range(0, len(log), MAX_RECORDS):
        batches: dict[TopicPartition, list[Delivered]] = {}
        for event in log[at : at + MAX_RECORDS]:
            place = TopicPartition(topic_of(event.category), partition_of(event.stream_id, _PARTITIONS))
            batches.setdefault(place, []).append(Delivered(event=event, previous_position=last.get(place, 0)))
            last[place] = event.position
        polls.append(batches)
    return polls


@contextmanager
def _garbage_collected_seldom() -> Iterator[None]:
    """Have garbage collected as the projector's process does."""
    before = gc.get_threshold()
    collect_garbage_seldom()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


async def _copy_seconds(database: Database) -> float:
    """Return how long COPY takes for the rows of the read model, into tables with the same indexes."""
    seconds = 0.0
    async with await psycopg.AsyncConnection.connect(database.url("owner")) as owner:
        tables = [str(name) for (name,) in await (await owner.execute(_READ_MODEL)).fetchall()]
        for table in tables:
            copied, source = sql.Identifier("public", f"copied_{table}"), sql.Identifier("read_model", table)
            await owner.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING INDEXES)").format(copied, source))
            async with owner.cursor() as cursor:
                async with cursor.copy(sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(source)) as out:
                    rows = [bytes(part) async for part in out]
                started = time.monotonic()
                async with cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(copied)) as into:
                    for part in rows:
                        await into.write(part)
                seconds += time.monotonic() - started
    return seconds


@asynccontextmanager
async def _grown(context: Context) -> Prepared:
    async with (
        durable_database(context) as database,
        create_pool(database.url("app"), size=2, name="bench") as pool,
    ):
        appender, seconds = GroupCommit(pool), context.seconds(_GROWN_SECONDS)

        async def rate() -> float:
            return await appends_a_second(appender, callers=64, seconds=seconds)

        await rate()
        new = await rate()
        await _fill(database, context.count(_GROWN))

        async def measure() -> Sample:
            return Sample(value=await rate(), limit=new)

        yield measure
        await appender.close()


@asynccontextmanager
async def _queue_gauge(context: Context) -> Prepared:
    async with (
        postgres_server(context.folder / "gauge") as server,
        fresh_database(server) as database,
        await psycopg.AsyncConnection.connect(database.url("app")) as app,
    ):
        await _fill(database, context.count(_BEHIND))

        async def measure() -> Sample:
            started = time.monotonic()
            await show_queue(app, Shard(index=0, count=1), 0)
            return Sample(value=(time.monotonic() - started) * 1000)

        await measure()
        yield measure


ROWS: Rows = (
    Row(
        name="publish",
        title=f"publish {_BACKLOG} events that wait (relay, embedded broker)",
        unit="events/s",
        limit="aiokafka's producer, the same messages",
        goal=Goal(at_least=0.5, of_limit=True),
        prepare=_publishing,
    ),
    Row(
        name="project",
        title="project payments, timeline and ledger together, without a broker",
        unit="events/s",
        limit="COPY of the same rows",
        goal=Goal(at_least=0.2, of_limit=True),
        prepare=_projecting,
    ),
    Row(
        name="growth",
        title=f"append, 64 callers, with {_GROWN:,} events there",
        unit="events/s",
        limit="the same with none there",
        goal=Goal(at_least=0.85, of_limit=True),
        prepare=_grown,
    ),
    Row(
        name="queue-gauge",
        title=f"the gauge of the outbox, {_BEHIND:,} events behind",
        unit="ms",
        goal=Goal(at_most=5),
        prepare=_queue_gauge,
        rounds=9,
    ),
)

"""Members of one group on real Kafka: a paused one that wakes up cannot write twice, and lag tells the truth."""

import asyncio
import os
import signal
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition

from infra.embedded.apache_kafka.cluster import KafkaCluster
from infra.embedded.home import Home
from infra.kafka.clients import consumer_config, producer_config
from infra.kafka.consumer import batch_consumer as batches
from infra.kafka.consumer import partition_watch
from infra.kafka.consumer.batch_consumer import BatchConsumer
from infra.kafka.consumer.selection import Applied
from infra.kafka.consumer.subscription import Record, Subscription
from infra.kafka.topics import create_topics
from infra.postgres.pool import Pool
from infra.process.health import Unhealthy
from infra.settings.kafka import KafkaSettings
from schemas.cloudevents import Delivered
from schemas.topics import TopicDeclaration
from tests.integration.infra.kafka.consumer.group_members import Member, effects_member
from tests.integration.infra.kafka.consumer.noting_consumer import NAME, Effects, running
from tests.integration.infra.kafka.published_log import Log
from tests.support.consumer_lag import lag_of
from tests.support.database import Database
from tests.support.kafka import transactional_settings
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.apache_kafka]

PARTITIONS = 2


@pytest.fixture
def settings(apache_cluster: KafkaCluster) -> KafkaSettings:
    return transactional_settings(apache_cluster.address, kafka_session_timeout_ms=6000)


@pytest_asyncio.fixture
async def topic(settings: KafkaSettings) -> str:
    name = f"test.{uuid.uuid4().hex}"
    await create_topics(settings, [TopicDeclaration(name=name, partitions=PARTITIONS, replication_factor=1)])
    return name


@asynccontextmanager
async def a_producer(settings: KafkaSettings) -> AsyncIterator[AIOKafkaProducer]:
    options = producer_config(settings, transactional_id=f"test-{uuid.uuid4().hex}")
    async with AIOKafkaProducer(**options) as producer:
        yield producer


@pytest_asyncio.fixture
async def log(settings: KafkaSettings, topic: str) -> AsyncIterator[Log]:
    async with a_producer(settings) as producer:
        yield Log(topic=topic, partitions=PARTITIONS, producer=producer)


@pytest.fixture
async def effects(pool: Pool, database: Database) -> Effects:
    made = Effects(pool)
    await made.prepare(database.url("owner"))
    return made


def lag(topic: str, partition: int = 0) -> tuple[float | None, float | None]:
    return lag_of(group=NAME, consumer=NAME, partition=TopicPartition(topic, partition))


@pytest.mark.parametrize("holds", ["records", "lock"])
async def test_a_member_that_wakes_up_after_its_session_writes_no_batch_again(
    *,
    holds: str,
    settings: KafkaSettings,
    topic: str,
    log: Log,
    effects: Effects,
    database: Database,
    tmp_path: Path,
) -> None:
    file = tmp_path / "hold"
    with Home(tmp_path / "members") as home:
        sleeper = effects_member(
            "sleeper", home, settings, database, topic, MEMBER_HOLDS=holds, MEMBER_HOLD_FILE=str(file)
        )
        other = effects_member("other", home, settings, database, topic)
        try:
            await sleeper.start()
            await sleeper.wait_ready()
            file.touch()
            log.record(40)
            async with log.producer.transaction():
                await log.publish()
            await eventually(lambda: said(sleeper, "member_holds"))
            sleeper.pause()
            file.unlink()
            await other.start()
            await eventually(effects.positions, until=lambda seen: len(seen) >= 40, within=40)
            sleeper.resume()
            await eventually(lambda: dropped(sleeper))
            async with log.producer.transaction():
                await log.publish(log.record(10))
            await eventually(effects.positions, until=lambda seen: len(seen) >= 50)
            await eventually(lambda: owned([sleeper, other]), lambda found: found == both(topic), within=30)
        finally:
            await sleeper.stop()
            await other.stop()
    assert await effects.positions() == log.positions


async def said(member: Member, text: str) -> bool:
    return member.times_said(text) > 0


async def dropped(member: Member) -> float:
    """Return how many events a member found applied already."""
    return sum((await member.metrics("consumer_events_dropped_total")).values())


async def owned(members: Sequence[Member]) -> list[TopicPartition]:
    return sorted([partition for member in members for partition in await member.lags()])


def both(topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, each) for each in range(PARTITIONS)]


async def test_lag_rises_while_nothing_is_applied_and_is_0_after_transactions(
    settings: KafkaSettings, topic: str, log: Log, effects: Effects
) -> None:
    applying = asyncio.Event()

    async def apply(partition: TopicPartition, messages: Sequence[Delivered]) -> Applied:
        await applying.wait()
        return await effects.apply(partition, messages)

    async def shown() -> tuple[float | None, float | None]:
        return lag(topic)

    async with running(settings, topic, apply) as consumer:
        await eventually(shown, until=lambda found: found == (0, 0))
        async with log.producer.transaction():
            await log.publish(log.record(5, partition=0))
        await eventually(shown, until=lambda found: found[0] == 6 and (found[1] or 0) > 0)  # 5 and a marker
        async with log.producer.transaction():
            await log.publish(log.record(3, partition=0))
        await eventually(shown, until=lambda found: found[0] == 10 and (found[1] or 0) > 2)
        assert lag(topic, 1) == (0, 0)
        applying.set()
        await eventually(shown, until=lambda found: found == (0, 0))
        await consumer.check_ready()
    assert await effects.positions() == log.positions
    assert lag(topic) == (None, None)


async def test_an_open_transaction_is_no_lag_and_an_aborted_one_leaves_none(
    settings: KafkaSettings, topic: str, log: Log, effects: Effects
) -> None:
    async def shown() -> tuple[float | None, float | None]:
        return lag(topic)

    async with running(settings, topic, effects.apply) as consumer, a_producer(settings) as aborting:
        async with log.producer.transaction():
            await log.publish(log.record(4, partition=0))
        await eventually(effects.positions, until=lambda seen: len(seen) == 4)
        never = Log(topic=topic, partitions=PARTITIONS, producer=aborting)
        await aborting.begin_transaction()
        await never.publish(never.record(100, partition=0))
        async with log.producer.transaction():
            await log.publish(log.record(4, partition=0))  # behind what is open: nobody may see it yet
        assert consumer._watch is not None
        assert await consumer._watch.check() is None
        assert lag(topic) == (0, 0)
        assert await effects.positions() == log.positions[:4]
        await consumer.check_ready()
        await aborting.abort_transaction()
        await eventually(effects.positions, until=lambda seen: len(seen) == 8)
        await eventually(shown, until=lambda found: found == (0, 0))
    assert await effects.positions() == log.positions


async def test_after_a_restart_it_finds_missing_events_behind_aborted_records(
    settings: KafkaSettings, topic: str, log: Log, effects: Effects, pool: Pool
) -> None:
    """Its offsets say that it has read everything; stepping back from the end meets no record for a long way."""
    async with log.producer.transaction():
        await log.publish(log.record(30, partition=0))
    async with a_producer(settings) as aborting:
        for _ in range(20):
            await aborting.begin_transaction()
            await aborting.send(topic, b"never", partition=0)
            await aborting.abort_transaction()
    async with running(settings, topic, effects.apply):
        await eventually(effects.positions, until=lambda seen: len(seen) == 30)
    async with pool.connection() as conn:
        await conn.execute("DELETE FROM consumers.effects")
        await conn.execute("UPDATE consumers.consumer_checkpoints SET position = 0")
    async with running(settings, topic, effects.apply) as consumer:
        await eventually(effects.positions, until=lambda seen: len(seen) == 30)
        await eventually(lambda: is_ready(consumer))
    assert await effects.positions() == log.positions


async def test_a_member_told_to_stop_while_the_group_rebalances_leaves_at_once(
    settings: KafkaSettings, topic: str, effects: Effects
) -> None:
    """Else the group would wait for it until its session ends."""
    session_s = 15
    settings = settings.model_copy(update={"kafka_session_timeout_ms": session_s * 1000})
    lingering = Lingering()
    async with AsyncExitStack() as stack:
        first = AIOKafkaConsumer(**consumer_config(settings, group_id=NAME))
        first.subscribe([topic], listener=lingering)
        await stack.enter_async_context(first)
        stack.callback(lingering.go_on.set)
        second = await stack.enter_async_context(AsyncExitStack())
        leaver = await second.enter_async_context(running(settings, topic, effects.apply))
        await eventually(lambda: is_ready(leaver), within=20)
        lingering.go_on.clear()
        third = await stack.enter_async_context(running(settings, topic, effects.apply))
        await eventually(
            lambda: complaint(leaver), until=lambda text: "waiting for the consumer group" in text, within=60
        )
        started = time.perf_counter()
        await second.aclose()
        assert time.perf_counter() - started < session_s / 3
        lingering.go_on.set()
        await eventually(lambda: is_ready(third), within=session_s * 2 / 3)


class Lingering(ConsumerRebalanceListener):  # type: ignore[misc]
    """Holds a rebalance up, as a member does that finishes something first."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def on_partitions_revoked(self, _: set[TopicPartition]) -> None:
        await self.go_on.wait()

    def on_partitions_assigned(self, _: set[TopicPartition]) -> None:
        return


async def test_a_client_that_cannot_be_stopped_leaves_nothing_running(
    settings: KafkaSettings, topic: str, apache_cluster: KafkaCluster
) -> None:
    """Each one that is replaced while Kafka is frozen would go on fetching beside its successor."""

    async def handle(_: Sequence[Record]) -> None:
        return

    before = asyncio.all_tasks()
    subscription = Subscription(
        settings,
        topics=[topic],
        group_id=NAME,
        max_records=1,
        drain_s=1,
        handler=handle,
        on_assigned=lambda _: None,
    )
    await subscription.start(20)
    pid = apache_cluster.nodes[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        started = time.perf_counter()
        await subscription.stop(2)
        assert time.perf_counter() - started < 8
        await eventually(lambda: still_running(before), until=lambda tasks: not tasks, within=15)
    finally:
        os.kill(pid, signal.SIGCONT)


async def still_running(before: set["asyncio.Task[Any]"]) -> list[str]:
    return [str(task.get_coro()) for task in asyncio.all_tasks() - before - {asyncio.current_task()}]


async def test_a_client_whose_fetching_died_is_replaced(
    settings: KafkaSettings, topic: str, log: Log, effects: Effects, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing tells of it: polls go on and bring nothing, and what the last fetch said of the end stays as it was."""
    monkeypatch.setattr(batches, "_REBUILD_AFTER_S", 4.0)
    monkeypatch.setattr(partition_watch, "_FETCH_IS_FRESH_S", 0.5)
    async with running(settings, topic, effects.apply) as consumer:
        await eventually(lambda: is_ready(consumer))
        first = consumer._subscription
        assert first is not None
        first.consumer._fetcher._fetch_task.cancel()
        for _ in range(2):  # the first may come with the fetch that is under way
            async with log.producer.transaction():
                await log.publish(log.record(5))
            await eventually(effects.positions, until=lambda seen: len(seen) >= len(log.positions), within=60)
        assert consumer._subscription is not first
    assert await effects.positions() == log.positions


async def complaint(consumer: BatchConsumer[Delivered]) -> str:
    try:
        await consumer.check_ready()
    except Unhealthy as reason:
        return str(reason)
    return ""


async def is_ready(consumer: BatchConsumer[Delivered]) -> bool:
    return not await complaint(consumer)

"""The consumer runtime on a real broker: every event is applied once, whatever happens to broker and members."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
from aiokafka import TopicPartition
from anyio import to_thread
from structlog.testing import capture_logs

from infra.kafka.consumer.batch_consumer import BatchConsumer
from infra.kafka.consumer.selection import Applied
from infra.postgres.pool import Pool
from infra.process.health import Unhealthy
from schemas.cloudevents import Delivered
from tests.integration.conftest import Cluster
from tests.integration.infra.kafka.consumer.noting_consumer import NAME, Effects, running
from tests.integration.infra.kafka.published_log import Log
from tests.support.database import Database
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
async def effects(pool: Pool, database: Database) -> Effects:
    made = Effects(pool)
    await made.prepare(database.url("owner"))
    return made


async def is_ready(consumer: BatchConsumer[Delivered]) -> bool:
    try:
        await consumer.check_ready()
    except Unhealthy:
        return False
    return True


async def is_live(consumer: BatchConsumer[Delivered]) -> bool:
    try:
        await consumer.check_live()
    except Unhealthy:
        return False
    return True


async def test_events_of_all_partitions_are_applied_once_and_it_says_it_is_ready(
    cluster: Cluster, log: Log, effects: Effects
) -> None:
    log.record(300)
    await log.publish()
    async with running(cluster.settings, cluster.topic, effects.apply) as consumer:
        await eventually(effects.positions, until=lambda seen: len(seen) >= 300)
        await eventually(lambda: is_ready(consumer))
        await consumer.check_live()
    assert await effects.positions() == log.positions


async def test_an_event_published_to_an_idle_consumer_is_applied_at_once(
    cluster: Cluster, log: Log, effects: Effects
) -> None:
    log.record(1)
    await log.publish()
    async with running(cluster.settings, cluster.topic, effects.apply):
        await eventually(effects.positions)
        delays_s: list[float] = []
        while len(delays_s) < 10 and min(delays_s, default=1.0) >= 0.5:  # the machine may be busy, but not all the time
            started = time.perf_counter()
            await log.publish(log.record(1))
            await eventually(effects.positions, until=lambda seen: len(seen) == len(log.positions), every=0.005)
            delays_s.append(time.perf_counter() - started)
        assert min(delays_s) < 0.5


async def test_it_asks_seldom_while_idle_and_often_again_when_events_come(
    cluster: Cluster, log: Log, effects: Effects
) -> None:
    settings = cluster.settings.model_copy(update={"kafka_fetch_max_wait_ms": 15, "kafka_fetch_idle_wait_ms": 300})
    async with running(settings, cluster.topic, effects.apply) as consumer:

        async def fetch_wait_ms() -> int | None:
            subscription = consumer._subscription
            fetcher = subscription.consumer._fetcher if subscription and subscription.assignment else None
            return fetcher._fetch_max_wait_ms if fetcher else None

        await eventually(fetch_wait_ms, until=lambda found: found == 300)
        await log.publish(log.record(1))
        await eventually(fetch_wait_ms, until=lambda found: found == 15, every=0.01)
        assert await eventually(effects.positions) == log.positions


async def test_republished_events_are_dropped(cluster: Cluster, log: Log, effects: Effects) -> None:
    log.record(50)
    await log.publish()
    await log.publish(log.events[20:])
    await log.publish(log.record(5))
    async with running(cluster.settings, cluster.topic, effects.apply):
        await eventually(effects.positions, until=lambda seen: log.positions[-1] in seen)
    assert await effects.positions() == log.positions


async def test_a_restart_goes_on_where_the_checkpoint_stands(cluster: Cluster, log: Log, effects: Effects) -> None:
    for _ in range(3):
        log.record(20)
        await log.publish(log.events[-20:])
        async with running(cluster.settings, cluster.topic, effects.apply):
            await eventually(effects.positions, until=lambda seen: len(seen) >= len(log.events))
    assert await effects.positions() == log.positions


async def test_two_groups_of_one_consumer_that_both_read_all_apply_it_once(
    cluster: Cluster, log: Log, effects: Effects
) -> None:
    """A zombie: a member that lost its partitions but goes on. Two groups make both read all, all the time."""
    log.record(200)
    async with (
        running(cluster.settings, cluster.topic, effects.apply, group_id="one", max_records=7),
        running(cluster.settings, cluster.topic, effects.apply, group_id="two", max_records=11),
    ):
        await log.publish()
        await eventually(effects.positions, until=lambda seen: len(seen) >= 200)
    assert await effects.positions() == log.positions


async def test_members_that_come_and_go_share_the_work_and_apply_everything_once(
    cluster: Cluster, log: Log, effects: Effects
) -> None:
    log.record(400)

    async def publish() -> None:
        for event in log.events:
            await log.publish([event])

    async with running(cluster.settings, cluster.topic, effects.apply, max_records=5):
        publishing = asyncio.create_task(publish())
        async with running(cluster.settings, cluster.topic, effects.apply, max_records=5) as second:
            await eventually(lambda: is_ready(second))
        await publishing
        await eventually(effects.positions, until=lambda seen: len(seen) >= 400, within=30)
    assert await effects.positions() == log.positions


async def test_a_wiped_broker_that_is_refilled_loses_and_repeats_nothing(
    cluster: Cluster, log: Log, effects: Effects
) -> None:
    log.record(40)
    await log.publish()
    async with running(cluster.settings, cluster.topic, effects.apply) as consumer:
        await eventually(effects.positions, until=lambda seen: len(seen) >= 40)
        log.record(25)  # recorded while the broker is away: never in the old topic
        await cluster.wipe()
        await eventually(lambda: is_ready(consumer), until=lambda ready: not ready)
        await cluster.create_topic()
        async with Log.of(cluster.settings, cluster.topic, partitions=2) as relay:
            relay.events = log.events
            await relay.publish()
        await eventually(effects.positions, until=lambda seen: len(seen) >= 65, within=40)
        await eventually(lambda: is_ready(consumer))
    assert await effects.positions() == log.positions


async def test_events_missing_before_a_delivered_one_restart_the_reading(
    cluster: Cluster, log: Log, effects: Effects, pool: Pool
) -> None:
    """The group's offsets say "all read", the database says otherwise: as after a restore, or a wipe."""
    log.record(30)
    await log.publish()
    async with running(cluster.settings, cluster.topic, effects.apply):
        await eventually(effects.positions, until=lambda seen: len(seen) >= 30)
    async with pool.connection() as conn:
        await conn.execute("DELETE FROM consumers.effects")
        await conn.execute("UPDATE consumers.consumer_checkpoints SET position = 0")
    async with running(cluster.settings, cluster.topic, effects.apply):
        await eventually(effects.positions, until=lambda seen: len(seen) >= 30)
    assert await effects.positions() == log.positions


async def test_an_event_that_stays_missing_is_never_skipped(cluster: Cluster, log: Log, effects: Effects) -> None:
    log.record(10, partition=0)
    missing = log.events[6]
    await log.publish([event for event in log.events if event is not missing])
    async with running(cluster.settings, cluster.topic, effects.apply) as consumer:
        await eventually(effects.positions, until=lambda seen: len(seen) == 6)
        await eventually(lambda: is_ready(consumer), until=lambda ready: not ready)
        assert await effects.positions() == log.positions[:6]
        await log.publish(log.events[6:])
        await eventually(effects.positions, until=lambda seen: len(seen) == 10, within=20)
    assert await effects.positions() == log.positions


async def test_a_database_that_is_away_for_a_while_costs_nothing(cluster: Cluster, log: Log, effects: Effects) -> None:
    away = True

    async def apply(partition: TopicPartition, messages: Sequence[Delivered]) -> Applied:
        if away:
            raise psycopg.OperationalError("the server is shutting down")
        return await effects.apply(partition, messages)

    log.record(30)
    await log.publish()
    async with running(cluster.settings, cluster.topic, apply) as consumer:

        async def complaint() -> str:
            try:
                await consumer.check_ready()
            except Unhealthy as reason:
                return str(reason)
            return ""

        await eventually(complaint, until=lambda text: "the server is shutting down" in text)
        await consumer.check_live()
        away = False
        await eventually(effects.positions, until=lambda seen: len(seen) >= 30)
        await eventually(lambda: is_ready(consumer))
    assert await effects.positions() == log.positions


async def test_a_partition_that_stops_at_its_first_record_is_seen_to_be_halted(
    cluster: Cluster, log: Log, effects: Effects, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FastStream calls plain functions in another thread, where ours would void what was noted of the first records."""
    before = to_thread.run_sync

    async def late(*arguments: Any, **options: Any) -> Any:
        await asyncio.sleep(0.5)  # longer than it takes to deliver: nothing tells of that
        return await before(*arguments, **options)

    monkeypatch.setattr(to_thread, "run_sync", late)
    await log.publish_garbage(0)
    with capture_logs() as logs:

        async def assigned() -> bool:
            return any(line["event"] == "consumer_assigned" for line in logs)

        async with running(cluster.settings, cluster.topic, effects.apply) as consumer:
            await eventually(assigned)
            await eventually(lambda: is_live(consumer), until=lambda live: not live, within=10)


@pytest.mark.parametrize("fault", ["undecodable", "refused by the callback"])
async def test_a_record_that_cannot_be_applied_stops_its_partition_alone(
    cluster: Cluster, log: Log, effects: Effects, fault: str
) -> None:
    log.record(10, partition=0)
    bad = log.events[4].position
    log.record(10, partition=1)

    async def apply(partition: TopicPartition, messages: Sequence[Delivered]) -> Applied:
        if fault != "undecodable" and any(message.position == bad for message in messages):
            raise ValueError("cannot be")
        return await effects.apply(partition, messages)

    await log.publish(log.events[:4])
    if fault == "undecodable":
        await log.publish_garbage(0)
    await log.publish(log.events[4:])
    expected = log.positions[:4] + log.positions[10:]
    async with running(cluster.settings, cluster.topic, apply) as consumer:
        await eventually(effects.positions, until=lambda seen: len(seen) >= len(expected))
        with pytest.raises(Unhealthy, match="is halted"):
            await consumer.check_live()
        await log.publish(log.record(3, partition=1))
        expected += log.positions[-3:]
        await eventually(effects.positions, until=lambda seen: len(seen) >= len(expected))
    assert await effects.positions() == expected
    async with running(cluster.settings, cluster.topic, effects.apply) as consumer:
        if fault == "undecodable":
            await eventually(lambda: is_live(consumer), until=lambda live: not live)
            assert await effects.positions() == expected
        else:
            await eventually(effects.positions, until=lambda seen: len(seen) == 23)


async def test_it_waits_for_a_topic_that_is_missing(cluster: Cluster, effects: Effects) -> None:
    await cluster.wipe()
    async with running(cluster.settings, cluster.topic, effects.apply) as consumer:
        with pytest.raises(Unhealthy):
            await consumer.check_ready()
        await cluster.create_topic()
        async with Log.of(cluster.settings, cluster.topic, partitions=2) as relay:
            relay.record(5)
            await relay.publish()
            await eventually(effects.positions, until=lambda seen: seen == relay.positions, within=25)


async def test_it_stops_in_time_while_kafka_is_away(cluster: Cluster, log: Log, effects: Effects) -> None:
    log.record(10)
    await log.publish()
    async with running(cluster.settings, cluster.topic, effects.apply) as consumer:
        await eventually(effects.positions, until=lambda seen: len(seen) == 10)
        await eventually(lambda: is_ready(consumer))
        cluster.broker.kill()
        await eventually(lambda: is_ready(consumer), until=lambda ready: not ready)
        started = time.perf_counter()
    assert time.perf_counter() - started < 15


async def test_before_it_leaves_it_finishes_and_commits_the_batch_in_hand(
    cluster: Cluster, log: Log, effects: Effects
) -> None:
    begun = asyncio.Event()

    async def slow(partition: TopicPartition, messages: Sequence[Delivered]) -> Applied:
        begun.set()
        await consumer._stop.wait()  # told to leave
        return await effects.apply(partition, messages)

    log.record(5, partition=0)
    await log.publish()
    async with running(cluster.settings, cluster.topic, slow) as consumer:
        await begun.wait()
    assert await effects.positions() == log.positions
    await eventually(lambda: committed(cluster), until=lambda offset: offset == 5)


async def committed(cluster: Cluster) -> int | None:
    from aiokafka import AIOKafkaConsumer  # noqa: PLC0415

    async with AIOKafkaConsumer(bootstrap_servers=cluster.settings.kafka_bootstrap_servers, group_id=NAME) as consumer:
        offset: int | None = await consumer.committed(TopicPartition(cluster.topic, 0))
        return offset

"""How many events a second the relay publishes to real Kafka, with and without transactions, and how soon they arrive.

Run with `make test-load ARGS="--broker=apache tests/load/test_relay.py"`, on a machine that does nothing else.
"""

import asyncio
import random
import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from rich.console import Console
from rich.table import Table

from event_store.relay.relay import Relay
from event_store.relay.shard import Shard
from event_store.store import Connection, append
from infra.embedded.apache_kafka.cluster import KafkaCluster
from infra.kafka.clients import consumer_config
from infra.settings.kafka import KafkaSettings
from schemas.topics import PAYMENT
from tests.chaos.relay.relay_processes import relays_of
from tests.support.database import Database
from tests.support.kafka import fresh_topics, transactional_settings
from tests.support.log_entries import an_append
from tests.support.waiting import eventually

pytestmark = [pytest.mark.load, pytest.mark.apache_kafka, pytest.mark.timeout(300)]

BACKLOG = 50_000
EVENTS_PER_S, SECONDS = 200, 15
MODES = {"with transactions": True, "plain": False}


async def test_publish_rate(database: Database, app: Connection, apache_cluster: KafkaCluster) -> None:
    for _ in range(BACKLOG // 1000):
        await append(app, [an_append(events=4) for _ in range(250)])
    await app.commit()
    table = Table("mode", "events/s", "CPU us/event", title=f"Relay on real Kafka, {BACKLOG} events behind")
    for mode, transactional in MODES.items():
        settings = transactional_settings(
            apache_cluster.address, kafka_transactions=transactional, kafka_topic_partitions=12
        )
        await fresh_topics(settings)
        seconds, cpu = await time_to_publish(settings, database)
        table.add_row(mode, f"{BACKLOG / seconds:,.0f}", f"{cpu / BACKLOG * 1e6:.0f}")
    Console().print(table)


async def time_to_publish(settings: KafkaSettings, database: Database) -> tuple[float, float]:
    """Return the seconds, by the clock and of the processor, from the first event to the last."""
    stop = asyncio.Event()
    relay = Relay(settings, database.url("relay"), Shard(index=0, count=1), stop)
    running = asyncio.create_task(relay.run())

    async def position() -> int:
        return -1 if relay.position is None else relay.position

    await eventually(position, lambda found: found >= 0, every=0.002)
    started, cpu = time.monotonic(), time.process_time()
    await eventually(position, lambda found: found >= BACKLOG, within=120, every=0.01)
    seconds, used = time.monotonic() - started, time.process_time() - cpu
    stop.set()
    await running
    return seconds, used


async def test_delay_from_append_to_consumer(
    database: Database, app: Connection, apache_cluster: KafkaCluster, tmp_path: Path
) -> None:
    table = Table("mode", "events/s", "p50 ms", "p95 ms", "p99 ms", title="From append to consumer")
    rates: list[float] = []
    for mode, transactional in MODES.items():
        settings = transactional_settings(
            apache_cluster.address, kafka_transactions=transactional, kafka_topic_partitions=12
        )
        await fresh_topics(settings)
        with relays_of(tmp_path / mode, database, settings) as relays:
            await relays.started("0/1")
            per_second, delays = await measure(settings, app)
        shown = (f"{delays[int(share * len(delays))] * 1000:.1f}" for share in (0.5, 0.95, 0.99))
        table.add_row(mode, f"{per_second:.0f}", *shown)
        rates.append(per_second)
    Console().print(table)
    assert min(rates) > 0.98 * EVENTS_PER_S, "the machine was too slow for what was to be measured"


async def measure(settings: KafkaSettings, app: Connection) -> tuple[float, list[float]]:
    """Append at the rate; return the rate that was reached, and the delays in seconds, sorted.

    A delay is from the commit of the append until a consumer has the record.
    """
    consumer = AIOKafkaConsumer(PAYMENT, **consumer_config(settings))
    await consumer.start()
    appended: dict[bytes, float] = {}
    arrived: dict[bytes, float] = {}
    count = EVENTS_PER_S * SECONDS

    async def consume() -> None:
        while True:
            found = await consumer.getmany(timeout_ms=1000)
            now = time.monotonic()
            arrived.update({record.key: now for records in found.values() for record in records})

    async def on_their_way() -> int:
        return len(appended.keys() - arrived.keys())

    consuming = asyncio.create_task(consume())
    try:
        started = time.monotonic()
        for number in range(count):
            due = started + (number + random.random()) / EVENTS_PER_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))  # paces the load: the rate is what is measured
            item = an_append()
            await append(app, [item])
            await app.commit()
            appended[str(item.stream_id).encode()] = time.monotonic()
        per_second = count / (time.monotonic() - started)
        await eventually(on_their_way, lambda found: found == 0, within=30)
    finally:
        consuming.cancel()
        await asyncio.wait({consuming})
        await consumer.stop()
    return per_second, sorted(arrived[key] - appended[key] for key in appended)

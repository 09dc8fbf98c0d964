"""A cluster of three loses the broker that coordinates the group: the others take over, and so do the effects."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiokafka.client import AIOKafkaClient, CoordinationType

from infra.kafka.consumer.batch_consumer import BatchConsumer
from infra.kafka.topics import create_topics
from infra.postgres.pool import create_pool
from infra.process.health import Unhealthy
from infra.settings.kafka import KafkaSettings
from schemas.cloudevents import Delivered
from schemas.topics import TopicDeclaration
from tests.integration.infra.kafka.consumer.noting_consumer import NAME, Effects, running
from tests.integration.infra.kafka.published_log import Log
from tests.support.database import Database
from tests.support.kafka import three_brokers, transactional_settings
from tests.support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.apache_kafka, pytest.mark.timeout(400)]

TOPIC = "test.coordinated"
PARTITIONS = 6


async def coordinator(settings: KafkaSettings) -> int:
    """Return the id of the broker that coordinates the group."""
    client = AIOKafkaClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await client.bootstrap()
    try:
        node: int = await client.coordinator_lookup(CoordinationType.GROUP, NAME)
    finally:
        await client.close()
    return node


async def are_ready(consumers: Sequence[BatchConsumer[Delivered]]) -> bool:
    try:
        for consumer in consumers:
            await consumer.check_ready()
    except Unhealthy:
        return False
    return True


async def publish_slowly(log: Log, count: int) -> None:
    for _ in range(count):
        await log.publish(log.record(1))


async def test_a_group_goes_on_when_its_coordinator_is_killed(database: Database, tmp_path: Path) -> None:
    async with three_brokers(tmp_path) as cluster, create_pool(database.url("app"), size=8, name="test") as pool:
        settings = transactional_settings(
            cluster.address, kafka_session_timeout_ms=6000, kafka_replication_factor=len(cluster.nodes)
        )
        await create_topics(settings, [TopicDeclaration(name=TOPIC, partitions=PARTITIONS, replication_factor=3)])
        effects = Effects(pool)
        await effects.prepare(database.url("owner"))
        async with (
            Log.of(settings, TOPIC, partitions=PARTITIONS) as log,
            running(settings, TOPIC, effects.apply) as one,
            running(settings, TOPIC, effects.apply) as two,
        ):
            await publish_slowly(log, 100)
            await eventually(effects.positions, until=lambda seen: len(seen) == 100, within=60)
            publishing = asyncio.create_task(publish_slowly(log, 200))
            cluster.nodes[await coordinator(settings) - 1].kill()
            async with asyncio.timeout(60):
                await publishing
            await eventually(effects.positions, until=lambda seen: len(seen) >= 300, within=60)
            await eventually(lambda: are_ready([one, two]), within=60)
        assert await effects.positions() == log.positions

"""Brokers restart, one of three is lost for good, and a topic is deleted, all while events are appended."""

import asyncio
import random
from pathlib import Path

import pytest

from event_store.store import Connection
from infra.embedded.apache_kafka.cluster import KafkaCluster
from infra.settings.kafka import KafkaSettings
from tests.chaos.relay.append_load import Load
from tests.chaos.relay.conftest import Report
from tests.chaos.relay.relay_processes import Relays, relays_of
from tests.chaos.relay.topic_verification import verify_when_complete
from tests.support.database import Database
from tests.support.kafka import three_brokers, transactional_settings
from tests.support.payment_load import chaos_seed

pytestmark = [pytest.mark.chaos, pytest.mark.apache_kafka, pytest.mark.timeout(400)]

EVENTS = 20_000


async def restart_each_and_lose_one(cluster: KafkaCluster, chance: random.Random) -> None:
    # The pauses are random: into what a fault falls is what varies.
    for node in chance.sample(cluster.nodes, len(cluster.nodes)):
        await asyncio.sleep(chance.uniform(0.5, 1.5))
        if chance.random() < 0.5:
            node.kill()
        await node.restart()
    await asyncio.sleep(chance.uniform(0.5, 1.5))
    chance.choice(cluster.nodes).kill()
    await asyncio.sleep(3)  # the others go on without it: this is how long the load lasts


async def test_brokers_restart_and_one_of_three_is_lost(
    app: Connection, database: Database, tmp_path: Path, report: Report
) -> None:
    chance = random.Random(chaos_seed())
    async with three_brokers(tmp_path / "kafka") as cluster:
        settings = transactional_settings(cluster.address, kafka_replication_factor=3, kafka_topic_partitions=6)
        with relays_of(tmp_path / "relays", database, settings) as relays:
            (relay,) = await relays.started("0/1")
            faults = asyncio.create_task(restart_each_and_lose_one(cluster, chance))
            await Load(connection=app, chance=random.Random(chance.random())).run(EVENTS, until=faults)
            await faults
            verification = await verify_when_complete(app, settings)
            assert relay.running, relay.said("process_failed")
    report("each of three brokers restarted, one lost", verification)


async def test_the_only_broker_restarts(
    app: Connection, kafka: KafkaSettings, relays: Relays, apache_cluster: KafkaCluster, report: Report
) -> None:
    chance = random.Random(chaos_seed())
    (relay,) = await relays.started("0/1")

    async def restart() -> None:
        for kill in (True, False):
            await asyncio.sleep(chance.uniform(0.5, 1.5))  # at random: into what it falls is what varies
            if kill:
                apache_cluster.kill()
            await apache_cluster.restart()

    faults = asyncio.create_task(restart())
    await Load(connection=app, chance=random.Random(chance.random())).run(EVENTS, until=faults)
    await faults
    verification = await verify_when_complete(app, kafka)
    assert relay.running, relay.said("process_failed")
    report("the only broker killed and restarted", verification)

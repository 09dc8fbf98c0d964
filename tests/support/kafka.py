"""Brokers for tests, and a plain reader that judges what is in a topic."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource, ConfigSource
from confluent_kafka.admin._resource import ResourceType

from infra.embedded.apache_kafka.cluster import KafkaCluster
from infra.embedded.broker import Broker
from infra.embedded.home import Home
from infra.embedded.ports import free_port
from infra.kafka.clients import admin_config, consumer_config
from infra.settings.kafka import KafkaSettings
from schemas.cloudevents import from_kafka
from schemas.topics import RELAY_PROGRESS, event_topics
from tests.support.waiting import eventually

_MARKERS_WITHIN_S = 5.0


@asynccontextmanager
async def embedded_broker(folder: Path) -> AsyncIterator[Broker]:
    """Run a Tansu broker: memory only, no transactions."""
    home = Home(folder)
    home.open()
    broker = Broker(home, port=free_port())
    await broker.start()
    try:
        await broker.wait_ready()
        yield broker
    finally:
        await broker.stop()
        home.close()


@contextmanager
def mock_cluster() -> Iterator[str]:
    """Run librdkafka's mock cluster; yields its bootstrap servers.

    It has transactions, but no topic administration: a look at a topic makes it, with four partitions, also that of
    progress; so the relay is kept from verifying them.
    """
    holder = Producer({"bootstrap.servers": "unused:1", "test.mock.num.brokers": 1, "log_level": 0})
    brokers = holder.list_topics(timeout=10).brokers.values()
    for topic in (RELAY_PROGRESS, *event_topics()):
        holder.list_topics(topic, timeout=10)
    with patch("event_store.relay.publisher.require_topics"):
        yield ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    del holder


def plain_settings(bootstrap_servers: str, **changes: object) -> KafkaSettings:
    """Settings for the embedded broker."""
    return KafkaSettings.model_validate(
        {
            "kafka_bootstrap_servers": bootstrap_servers,
            "kafka_transactions": False,
            "kafka_fetch_max_wait_ms": 15,
            "kafka_session_timeout_ms": 3000,
            "kafka_topic_partitions": 4,
            "kafka_request_timeout_ms": 5000,
            **changes,
        }
    )


def mock_settings(bootstrap_servers: str) -> KafkaSettings:
    """Settings for the mock cluster, whose checksums are wrong."""
    return plain_settings(bootstrap_servers, kafka_transactions=True, kafka_check_crcs=False)


@asynccontextmanager
async def apache_kafka(folder: Path, brokers: int = 1, **options: Any) -> AsyncIterator[KafkaCluster]:
    """Run real Kafka; `options` are those of KafkaCluster (`tls`, `extra`)."""
    with Home(folder) as home:
        cluster = KafkaCluster(home, brokers=brokers, **options)
        try:
            await cluster.start()
            await cluster.wait_ready()
            yield cluster
        finally:
            await cluster.stop()


@asynccontextmanager
async def three_brokers(folder: Path) -> AsyncIterator[KafkaCluster]:
    """Run a real cluster that can lose a broker: everything is held three times, two of them in sync."""
    async with apache_kafka(folder, brokers=3) as cluster:
        yield cluster


def transactional_settings(bootstrap_servers: str, **changes: object) -> KafkaSettings:
    """Settings for real Kafka: as they are by default, with few partitions."""
    return KafkaSettings.model_validate(
        {
            "kafka_bootstrap_servers": bootstrap_servers,
            "kafka_topic_partitions": 4,
            "kafka_request_timeout_ms": 5000,
            **changes,
        }
    )


async def fresh_topics(settings: KafkaSettings) -> None:
    """Delete every topic and consumer group of real Kafka, and wait until they are gone.

    A group goes when its last member has left, or was silent for its session time-out.
    """
    await delete_topics(settings)
    admin = _admin(settings)
    await eventually(lambda: asyncio.to_thread(_delete_groups, admin), lambda left: not left, within=60)


async def delete_topics(settings: KafkaSettings, names: Collection[str] | None = None) -> None:
    """Delete topics of real Kafka, by default every one, and wait until they are gone."""
    admin = _admin(settings)
    await eventually(lambda: asyncio.to_thread(_delete_topics, admin, names), lambda left: not left, within=60)


def _admin(settings: KafkaSettings) -> AdminClient:
    return AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers, "log_level": 0})


def _delete_topics(admin: AdminClient, names: Collection[str] | None) -> list[str]:
    """Ask for the topics to be deleted that are still there; return those that are left."""
    found = _topics(admin, names)
    with contextlib.suppress(KafkaException):  # somebody else deleted it, or it is tried again
        if found:
            _reset_topics(admin, found)
            _wait_for(admin.delete_topics(found))
    return _topics(admin, names)


def _reset_topics(admin: AdminClient, names: Collection[str]) -> None:
    """Give topics the default settings: a node that is killed later brings those of deleted topics back."""
    described = admin.describe_configs([ConfigResource(ResourceType.TOPIC, name) for name in names])
    resources = []
    for resource, future in described.items():
        changed = [
            ConfigEntry(entry.name, "", incremental_operation=AlterConfigOpType.DELETE)
            for entry in future.result(timeout=30).values()
            if entry.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value
        ]
        if changed:
            resources.append(ConfigResource(ResourceType.TOPIC, resource.name, incremental_configs=changed))
    if resources:
        _wait_for(admin.incremental_alter_configs(resources))


def _wait_for(futures: Mapping[Any, Future[Any]]) -> None:
    for future in futures.values():
        future.result(timeout=30)


def _topics(admin: AdminClient, names: Collection[str] | None) -> list[str]:
    topics = admin.list_topics(timeout=10).topics
    return [name for name in topics if not name.startswith("__") and (names is None or name in names)]


def _delete_groups(admin: AdminClient) -> list[str]:
    """Delete the groups that nobody is in; return those that are left."""
    names = [group.group_id for group in admin.list_consumer_groups(request_timeout=10).result().valid]
    for deleted in (admin.delete_consumer_groups(names, request_timeout=10) if names else {}).values():
        with contextlib.suppress(KafkaException):  # it has members, or is gone
            deleted.result(timeout=30)
    return [group.group_id for group in admin.list_consumer_groups(request_timeout=10).result().valid]


async def consumer_groups(settings: KafkaSettings) -> set[str]:
    """Return the consumer groups of real Kafka."""
    admin = AIOKafkaAdminClient(**admin_config(settings, client_id="observer"))
    await admin.start()
    try:
        return {name for name, *_ in await admin.list_consumer_groups()}
    finally:
        await admin.close()


async def published_events(settings: KafkaSettings) -> Counter[tuple[int, str]]:
    """Return how often each event stands in the topics, by position and id."""
    found: Counter[tuple[int, str]] = Counter()
    for topic in event_topics():
        for records in (await read_topic(settings, topic)).values():
            for record in records:
                event = from_kafka(record.value, record.headers).event
                found[event.position, str(event.event_id)] += 1
    return found


async def read_topic(settings: KafkaSettings, topic: str) -> dict[int, list[ConsumerRecord]]:
    """Return everything in a topic by partition, as a reader of committed data sees it.

    A commit is answered before its markers stand in the partitions (KIP-98): they are waited for, not for long, as a
    transaction that hangs has none.
    """
    consumer = AIOKafkaConsumer(**consumer_config(settings, client_id="observer"))
    await consumer.start()
    try:
        async with asyncio.timeout(60):
            places = [TopicPartition(topic, each) for each in range(settings.kafka_topic_partitions)]
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            ends = await _ends_of_committed(settings, consumer, places)
            found: dict[int, list[ConsumerRecord]] = {place.partition: [] for place in places}
            for place in places:
                while await consumer.position(place) < ends[place]:
                    batch = await consumer.getmany(place, timeout_ms=200)
                    found[place.partition] += batch.get(place, [])
            return found
    finally:
        await consumer.stop()


async def _ends_of_committed(
    settings: KafkaSettings, consumer: AIOKafkaConsumer, places: list[TopicPartition]
) -> dict[TopicPartition, int]:
    ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
    if not settings.kafka_transactions:
        return ends
    uncommitted = settings.model_copy(update={"kafka_transactions": False})
    async with AIOKafkaConsumer(**consumer_config(uncommitted, client_id="observer")) as everything:
        written = await everything.end_offsets(places)
    deadline = time.monotonic() + _MARKERS_WITHIN_S
    while ends != written and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
        ends = await consumer.end_offsets(places)
    return ends

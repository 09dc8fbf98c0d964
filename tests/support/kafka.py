"""Brokers for tests, and a plain reader that judges what is in a topic."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from confluent_kafka import Producer

from infra.embedded.broker import Broker
from infra.embedded.home import Home
from infra.embedded.ports import free_port
from infra.kafka.clients import consumer_config
from infra.settings import KafkaSettings
from schemas.topics import RELAY_PROGRESS, event_topics


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

    It has transactions, but no topic administration: a look at a topic makes it, with four partitions.
    """
    holder = Producer({"bootstrap.servers": "unused:1", "test.mock.num.brokers": 1, "log_level": 0})
    brokers = holder.list_topics(timeout=10).brokers.values()
    for topic in (RELAY_PROGRESS, *event_topics()):
        holder.list_topics(topic, timeout=10)
    yield ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    del holder


def plain_settings(bootstrap_servers: str, **changes: object) -> KafkaSettings:
    """Settings for the embedded broker."""
    return KafkaSettings.model_validate(
        {
            "kafka_bootstrap_servers": bootstrap_servers,
            "kafka_transactions": False,
            "kafka_fetch_max_wait_ms": 15,
            "kafka_topic_partitions": 4,
            "kafka_request_timeout_ms": 5000,
            **changes,
        }
    )


def transactional_settings(bootstrap_servers: str) -> KafkaSettings:
    """Settings for the mock cluster, whose checksums are wrong."""
    return plain_settings(bootstrap_servers, kafka_transactions=True, kafka_check_crcs=False)


async def read_topic(settings: KafkaSettings, topic: str) -> dict[int, list[ConsumerRecord]]:
    """Return everything in a topic by partition, as a reader of committed data sees it now."""
    consumer = AIOKafkaConsumer(**consumer_config(settings, client_id="judge"))
    await consumer.start()
    try:
        async with asyncio.timeout(20):
            places = [TopicPartition(topic, each) for each in range(settings.kafka_topic_partitions)]
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            ends = await consumer.end_offsets(places)
            found: dict[int, list[ConsumerRecord]] = {place.partition: [] for place in places}
            for place in places:
                while await consumer.position(place) < ends[place]:
                    batch = await consumer.getmany(place, timeout_ms=200)
                    found[place.partition] += batch.get(place, [])
            return found
    finally:
        await consumer.stop()

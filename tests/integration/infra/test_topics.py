import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from infra.embedded.broker import Broker
from infra.embedded.home import Home
from infra.embedded.ports import free_port
from infra.kafka.clients import consumer_config, producer_config
from infra.kafka.topics import KafkaUnavailable, TopicMismatch, create_topics, describe_topics
from infra.settings import KafkaSettings
from schemas.topics import TopicDeclaration

pytestmark = pytest.mark.integration

PAYMENT = TopicDeclaration(name="paystream.payment", partitions=12, replication_factor=1)
PROGRESS = TopicDeclaration(
    name="paystream.relay-progress", partitions=1, replication_factor=1, config={"cleanup.policy": "compact"}
)


def settings(address: str) -> KafkaSettings:
    return KafkaSettings(kafka_bootstrap_servers=address, kafka_request_timeout_ms=2000)


@pytest.fixture
async def kafka(tmp_path: Path) -> AsyncIterator[KafkaSettings]:
    home = Home(tmp_path / "home")
    home.open()
    broker = Broker(home, port=free_port())
    await broker.start()
    await broker.wait_ready()
    yield settings(broker.address)
    await broker.stop()
    home.close()


async def test_topics_are_created_once(kafka: KafkaSettings) -> None:
    assert await create_topics(kafka, [PAYMENT]) == ("paystream.payment",)
    assert await create_topics(kafka, [PAYMENT, PROGRESS]) == ("paystream.relay-progress",)
    assert await create_topics(kafka, [PAYMENT, PROGRESS]) == ()

    assert await describe_topics(kafka) == {"paystream.payment": 12, "paystream.relay-progress": 1}


async def test_a_topic_with_other_partitions_is_refused(kafka: KafkaSettings) -> None:
    await create_topics(kafka, [PAYMENT])

    with pytest.raises(TopicMismatch, match="has 12 partitions where 24 are declared"):
        await create_topics(kafka, [replace(PAYMENT, partitions=24)])


async def test_a_cluster_that_is_away_is_unavailable() -> None:
    address = f"127.0.0.1:{free_port()}"

    with pytest.raises(KafkaUnavailable, match=f"no answer from {address}"):
        await create_topics(settings(address), [PAYMENT])


async def test_asking_for_a_topic_does_not_create_it(kafka: KafkaSettings) -> None:
    plain = kafka.model_copy(update={"kafka_transactions": False})
    producer = AIOKafkaProducer(**producer_config(plain))
    consumer = AIOKafkaConsumer("asked.for", **consumer_config(plain))
    await producer.start()
    with contextlib.suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(3):
            await consumer.start()
    with pytest.raises((KafkaError, TimeoutError)):
        async with asyncio.timeout(3):
            await producer.send_and_wait("sent.to", b"x")
    await consumer.stop()
    await producer.stop()

    assert await describe_topics(kafka) == {}

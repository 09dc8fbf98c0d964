"""An event that real Kafka refuses: the shard goes on without it, and says so."""

import uuid

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from event_store.appends import Append
from event_store.store import Connection
from infra.embedded.apache_kafka.cluster import KafkaCluster
from infra.kafka.clients import admin_config
from infra.kafka.topics import create_topics
from infra.settings.kafka import KafkaSettings
from schemas.topics import PAYMENT, declarations, partition_of
from tests.integration.event_store.relay.test_relay import append_all, delivered, reached, running_relay
from tests.support.database import Database
from tests.support.kafka import fresh_topics, transactional_settings
from tests.support.log_entries import MERCHANT, an_append, new_event

pytestmark = [pytest.mark.integration, pytest.mark.apache_kafka]


@pytest.fixture
async def kafka(apache_cluster: KafkaCluster) -> KafkaSettings:
    """A cluster whose payment topic takes 50,000 bytes a batch."""
    settings = transactional_settings(apache_cluster.address, kafka_request_timeout_ms=20_000)
    await fresh_topics(settings)
    await create_topics(settings, declarations(settings.kafka_topic_partitions, 1))
    admin = AIOKafkaAdminClient(**admin_config(settings, client_id="test"))
    await admin.start()
    try:
        config = {
            "max.message.bytes": "50000",
            "cleanup.policy": "delete",
            "retention.ms": "-1",
            "retention.bytes": "-1",
        }
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, PAYMENT, configs=config)])
    finally:
        await admin.close()
    return settings


async def test_a_shard_goes_on_without_an_event_that_is_too_large(
    database: Database, app: Connection, kafka: KafkaSettings
) -> None:
    stream = uuid.uuid4()
    await append_all(app, [an_append(stream, events=3)])
    large = Append(
        stream_id=stream,
        category="payment",
        merchant_id=MERCHANT,
        expected_version=3,
        events=(new_event({"text": "x" * 120_000}),),
    )
    refused = await append_all(app, [large])
    last = await append_all(app, [an_append(stream, 4, events=300)])
    async with running_relay(database, kafka) as relay:
        await reached(relay, last)
    messages = (await delivered(kafka))[partition_of(stream, kafka.kafka_topic_partitions)]
    positions = [position for position in range(1, last + 1) if position != refused]
    assert [message.position for message in messages] == positions
    assert [message.previous_position for message in messages] == [0, *positions][: len(positions)]
    cursor = await app.execute("SELECT position, reason FROM event_store.refused_events")
    assert await cursor.fetchall() == [(refused, "MessageSizeTooLargeError")]

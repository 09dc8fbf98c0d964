"""A consumer of a cell on a cluster that others share: what it takes, commits and announces is its cell's alone."""

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from infra.kafka.clients import admin_config
from infra.kafka.consumer.checkpoints import Checkpointed
from infra.kafka.consumer.dead_letters.worker import DeadLetters
from infra.kafka.topics import cell_declarations, create_topics
from infra.postgres.pool import Pool
from infra.settings.kafka import KafkaSettings
from schemas.topics import PAYMENT, TopicDeclaration, dead_letter_topic
from tests.integration.infra.kafka.consumer.noting_consumer import NAME, Effects, running
from tests.integration.infra.kafka.published_log import Log
from tests.support.brokers import LentBroker
from tests.support.database import Database
from tests.support.kafka import read_topic
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.broker]

OURS, DEAD = "paystream.a.payment", f"paystream.a.payment.dlq.{NAME}"
OTHERS = {"paystream.b.payment": "b", "paystream.payment": None}


async def test_a_consumer_takes_the_events_of_its_cell_alone(
    database: Database, pool: Pool, lent_broker: LentBroker
) -> None:
    settings = lent_broker.settings(cell="a")
    await create_topics(settings, [*cell_declarations(settings), _dead_letters()])
    for cell in OTHERS.values():
        others = lent_broker.settings(cell=cell)
        await create_topics(others, cell_declarations(others))
    effects = Effects(pool)
    await effects.prepare(database.url("owner"))
    assert isinstance(effects.apply, Checkpointed)
    dead_letters = DeadLetters(checkpointed=effects.apply, topic_of=dead_letter_topic)

    async with Log.of(settings, OURS, settings.kafka_topic_partitions) as log:
        log.record(20)
        await log.publish(log.events[:10])
        for topic in OTHERS:
            async with Log.of(settings, topic, settings.kafka_topic_partitions) as other:
                other.record(1_000)
                await other.publish(other.events[-3:])
        async with running(settings, PAYMENT, effects.apply, dead_letters=dead_letters):
            await log.publish_garbage(0)
            await log.publish(log.events[10:])
            await eventually(effects.positions, until=lambda seen: len(seen) >= 20, within=30)
            letters = lent_broker.settings(kafka_topic_partitions=1)
            dead = await eventually(lambda: read_topic(letters, DEAD), until=lambda found: bool(found[0]), within=30)
    assert await effects.positions() == log.positions
    assert dict(dead[0][0].headers)["dlq_topic"] == PAYMENT.encode()

    async with pool.connection() as conn:
        rows = await (await conn.execute("SELECT DISTINCT topic FROM consumers.consumer_checkpoints")).fetchall()
    assert rows == [(PAYMENT,)]
    assert await _committed(settings, f"a.{NAME}", OURS) == 21
    for topic in (OURS, *OTHERS):
        assert await _committed(settings, NAME, topic) == 0


def _dead_letters() -> TopicDeclaration:
    return TopicDeclaration(name=DEAD, partitions=1, replication_factor=1)


async def _committed(settings: KafkaSettings, group: str, topic: str) -> int:
    """Return up to where a group has committed, over all partitions."""
    admin = AIOKafkaAdminClient(**admin_config(settings))
    places = [TopicPartition(topic, each) for each in range(settings.kafka_topic_partitions)]
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(group, partitions=places)
    finally:
        await admin.close()
    return sum(max(0, each.offset) for each in offsets.values())

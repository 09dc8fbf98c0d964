"""The metrics of other teams' consumer groups, from a broker with a group that follows, and one that is not there."""

import itertools

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from prometheus_client import REGISTRY

from event_store.relay.downstream import DownstreamGroup, DownstreamWatch
from infra.kafka.clients import consumer_config, producer_config
from infra.kafka.topics import create_topics
from infra.settings.kafka import KafkaSettings
from schemas.topics import PAYMENT, TopicDeclaration
from tests.support.brokers import LentBroker
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.broker]

_numbers = itertools.count(1)


def shown(group: str) -> tuple[float | None, bool]:
    """Return how many records a group lacks, and whether that takes it time."""
    labels = {"group": group, "topic": PAYMENT}
    seconds = REGISTRY.get_sample_value("downstream_lag_seconds", labels)
    return REGISTRY.get_sample_value("downstream_lag_events", labels), bool(seconds)


async def publish(settings: KafkaSettings, count: int) -> None:
    """Publish records to the first partition as the relay does: in a transaction, where there are any."""
    options = producer_config(settings, transactional_id="downstream-test")
    async with AIOKafkaProducer(**options) as producer:
        if settings.kafka_transactions:
            await producer.begin_transaction()
        for _ in range(count):
            await producer.send_and_wait(PAYMENT, b"{}", partition=0)
        if settings.kafka_transactions:
            await producer.commit_transaction()


async def consume(settings: KafkaSettings, group: str, count: int) -> None:
    """Take records as a service of another team does, and commit behind the last one."""
    async with AIOKafkaConsumer(PAYMENT, **consumer_config(settings, group_id=group)) as consumer:
        for _ in range(count):
            record = await consumer.getone()
            await consumer.commit({TopicPartition(PAYMENT, record.partition): record.offset + 1})


async def test_a_group_that_does_not_follow_is_seen(lent_broker: LentBroker) -> None:
    settings = lent_broker.settings(kafka_request_timeout_ms=5000, kafka_topic_partitions=2)
    await create_topics(settings, [TopicDeclaration(name=PAYMENT, partitions=2, replication_factor=1)])
    follows, absent = (f"{name}-{next(_numbers)}" for name in ("shipping", "accounting"))
    groups = [DownstreamGroup(group=each, topic=PAYMENT) for each in (follows, absent)]
    watch = DownstreamWatch(settings, groups)

    async def look() -> tuple[tuple[float | None, bool], tuple[float | None, bool]]:
        await watch.look()
        return shown(follows), shown(absent)

    await eventually(look, lambda found: found == ((0, False), (0, False)))  # nothing is there, and nobody lacks it
    await publish(settings, 3)
    await eventually(look, lambda found: found[0][0] is not None and found[0][0] >= 3 and found[0][1] and found[1][1])
    await consume(settings, follows, 3)
    caught_up, behind = await eventually(look, lambda found: found[0] == (0, False))
    assert caught_up == (0, False)
    assert behind[0] is not None
    assert behind[0] >= 3
    await publish(settings, 1)
    await eventually(look, lambda found: found[0][0] is not None and found[0][0] >= 1 and found[0][1])


async def test_while_kafka_is_away_the_seconds_go_on(lent_broker: LentBroker) -> None:
    settings = lent_broker.settings(kafka_request_timeout_ms=1000, kafka_topic_partitions=2)
    await create_topics(settings, [TopicDeclaration(name=PAYMENT, partitions=2, replication_factor=1)])
    group = f"shipping-{next(_numbers)}"
    watch = DownstreamWatch(settings, [DownstreamGroup(group=group, topic=PAYMENT)])
    await publish(settings, 1)

    async def lag() -> float | None:
        await watch.look()
        return REGISTRY.get_sample_value("downstream_lag_seconds", {"group": group, "topic": PAYMENT})

    seconds = await eventually(lag)
    assert seconds is not None
    lent_broker.kill()
    await watch._look_once()
    later = REGISTRY.get_sample_value("downstream_lag_seconds", {"group": group, "topic": PAYMENT})
    assert later is not None
    assert later > seconds

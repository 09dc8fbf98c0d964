"""Streams of several categories share the log and the relay; each category has a topic of its own."""

import random
import uuid
from dataclasses import replace

import pytest

from event_store.appends import Append
from event_store.store import Connection
from infra.settings.kafka import KafkaSettings
from schemas.cloudevents import Delivered, from_kafka
from schemas.topics import event_topics, partition_of, topic_of
from tests.integration.event_store.relay.test_relay import append_all, reached, running_relay
from tests.support.brokers import LentBroker
from tests.support.database import Database
from tests.support.kafka import read_topic
from tests.support.log_entries import an_append
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

CATEGORIES = (
    "payment",
    "split-payment",
    "stripe-event",
    "stripe-balance",
    "reconciliation",
    "privacy",
    "access",
    "webhook-endpoint",
)


def mixed(rng: random.Random, count: int) -> list[Append]:
    """Return appends to new streams of all categories, in any order."""
    return [
        replace(an_append(uuid.UUID(int=rng.getrandbits(128))), category=rng.choice(CATEGORIES)) for _ in range(count)
    ]


async def delivered(settings: KafkaSettings, topic: str) -> dict[int, list[Delivered]]:
    return {
        partition: [from_kafka(record.value, record.headers) for record in records]
        for partition, records in (await read_topic(settings, topic)).items()
    }


async def delivered_in_all(settings: KafkaSettings, topic: str, events: int) -> dict[int, list[Delivered]]:
    """Return what was delivered once so many events are there: Kafka ends a transaction a moment after its commit."""

    async def read() -> dict[int, list[Delivered]]:
        return await delivered(settings, topic)

    def has_all(found: dict[int, list[Delivered]]) -> bool:
        return sum(len(_positions(each)) for each in found.values()) >= events

    return await eventually(read, has_all)


async def assert_each_topic_has_its_events_once_and_in_order(app: Connection, settings: KafkaSettings) -> None:
    rows = await (
        await app.execute("SELECT position, stream_id, category FROM event_store.events ORDER BY position")
    ).fetchall()
    assert {topic_of(category) for _, _, category in rows} == set(event_topics())
    for topic in event_topics():
        events = sum(topic_of(category) == topic for _, _, category in rows)
        found = await delivered_in_all(settings, topic, events)
        for partition, messages in found.items():
            expected = [
                position
                for position, stream_id, category in rows
                if topic_of(category) == topic and partition_of(stream_id, settings.kafka_topic_partitions) == partition
            ]
            first_time = [each for at, each in enumerate(messages) if each.position not in _positions(messages[:at])]
            assert [each.position for each in first_time] == expected
            assert [each.previous_position for each in first_time] == [0, *expected][: len(expected)]
            if settings.kafka_transactions:
                assert len(messages) == len(first_time)


def _positions(messages: list[Delivered]) -> set[int]:
    return {each.position for each in messages}


async def test_categories_reach_their_topics_in_order_across_restarts_and_a_wipe(
    database: Database, app: Connection, lent_broker: LentBroker
) -> None:
    rng, settings = random.Random(4), lent_broker.settings()
    for _ in range(2):
        position = await append_all(app, mixed(rng, 40))
        async with running_relay(database, settings) as relay:
            await reached(relay, position)
            await reached(relay, await append_all(app, mixed(rng, 40)))
    await assert_each_topic_has_its_events_once_and_in_order(app, settings)
    await lent_broker.wipe()
    position = await append_all(app, mixed(rng, 10))
    async with running_relay(database, settings) as relay:
        await reached(relay, position)
    await assert_each_topic_has_its_events_once_and_in_order(app, settings)

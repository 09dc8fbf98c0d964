"""A log whose cell is given a name, and loses it again: each of its topics has all events, once and in order."""

import pytest

from event_store.store import Connection
from infra.kafka.topics import describe_topics
from infra.settings.kafka import KafkaSettings
from schemas.cloudevents import from_kafka
from schemas.topics import PAYMENT, declarations, partition_of
from tests.integration.event_store.relay.test_relay import append_streams, reached, running_relay
from tests.support.brokers import LentBroker
from tests.support.database import Database
from tests.support.kafka import read_topic

pytestmark = [pytest.mark.integration, pytest.mark.broker]


async def assert_each_event_once_and_in_order(app: Connection, settings: KafkaSettings, topic: str) -> None:
    rows = await (await app.execute("SELECT position, stream_id FROM event_store.events ORDER BY position")).fetchall()
    assert rows
    for partition, records in (await read_topic(settings, topic)).items():
        found = [from_kafka(record.value, record.headers).position for record in records]
        ours = [at for at, stream in rows if partition_of(stream, settings.kafka_topic_partitions) == partition]
        if settings.kafka_transactions:
            assert found == ours
        else:  # at least once: a repeat comes before what follows it
            assert list(dict.fromkeys(found)) == ours


async def test_a_name_given_later_has_new_topics_filled_from_the_log(
    database: Database, app: Connection, lent_broker: LentBroker
) -> None:
    plain, named = lent_broker.settings(), lent_broker.settings(cell="eu-1")
    for settings in (plain, named, plain, named):
        position = await append_streams(app, streams=10, events=2)
        async with running_relay(database, settings) as relay:
            await reached(relay, position)
    # What came last was appended while the relay was without the other name.
    async with running_relay(database, plain) as relay:
        await reached(relay, position)
    await assert_each_event_once_and_in_order(app, plain, PAYMENT)
    await assert_each_event_once_and_in_order(app, plain, "paystream.eu-1.payment")


async def test_the_relay_of_a_cell_makes_topics_of_its_cell_alone(
    database: Database, app: Connection, lent_broker: LentBroker
) -> None:
    settings = lent_broker.settings(cell="eu-1")
    position = await append_streams(app, streams=1, events=1)
    async with running_relay(database, settings) as relay:
        await reached(relay, position)
        assert set(await describe_topics(settings)) == {
            each.name.replace("paystream.", "paystream.eu-1.") for each in declarations(1, 1)
        }

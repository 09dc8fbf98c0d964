"""The log into a topic of its own: each event once and in order, and never into a live one unless that is forced."""

import random
import uuid

import psycopg
import pytest

from domain.ids import LogId, PaymentId
from event_store.replay.files import ReplayRefused
from event_store.replay.reading import Selection, read_runs
from event_store.replay.topic import event_topic
from event_store.store import Connection
from schemas.cloudevents import from_kafka
from schemas.topics import PAYMENT, partition_of
from tests.support.brokers import LentBroker
from tests.support.database import Database
from tests.support.kafka import read_topic
from tests.support.payment_histories import random_history
from tests.support.read_model import load_log, store

pytestmark = pytest.mark.integration

LOG_ID = LogId(uuid.UUID(int=1))


async def test_each_event_comes_once_and_in_order(database: Database, app: Connection, lent_broker: LentBroker) -> None:
    settings = lent_broker.settings(kafka_topic_partitions=3)
    ids = [PaymentId(uuid.uuid4()) for _ in range(10)]
    await store(app, [(each, random_history(random.Random(1), payment_id=each, steps=10)) for each in ids])
    log = await load_log(app)
    async with (
        await psycopg.AsyncConnection.connect(database.url("audit"), autocommit=True) as auditor,
        event_topic(settings, "audit.copy", LOG_ID, force=False) as topic,
    ):
        async for run in read_runs(auditor, Selection(up_to=log[-1].position), size=7):
            await topic.add(run)
    for place, records in (await read_topic(settings, "audit.copy")).items():
        delivered = [from_kafka(each.value, each.headers) for each in records]
        assert [each.event for each in delivered] == [
            event for event in log if partition_of(event.stream_id, 3) == place
        ]
        assert [each.previous_position for each in delivered] == [0, *(each.position for each in delivered)][:-1]


async def test_a_live_topic_is_refused(lent_broker: LentBroker) -> None:
    with pytest.raises(ReplayRefused, match="live topic"):
        async with event_topic(lent_broker.settings(), PAYMENT, LOG_ID, force=False):
            pass

"""The relay goes on behind what an older release published, by the progress that this one noted."""

import uuid

import pytest
from aiokafka import AIOKafkaProducer

from domain.ids import MerchantId, PaymentId, RefundId
from domain.money import Money
from domain.payment.commands import RequestRefund
from event_store.store import Connection
from infra.embedded.connections import DEVELOPMENT_MERCHANT
from infra.kafka.clients import producer_config
from infra.kafka.topics import create_topics
from infra.postgres.pool import Pool
from infra.settings.kafka import KafkaSettings
from schemas.cloudevents import from_kafka
from schemas.topics import RELAY_PROGRESS, declarations, event_topics
from tests.integration.consumers.gateway.gateway_without_kafka import Payments
from tests.integration.event_store.relay.test_relay import reached, running_relay
from tests.integration.upgrade.fixture_files import Fixture
from tests.support.brokers import LentBroker
from tests.support.database import Database
from tests.support.kafka import read_topic
from tests.support.read_model import load_log

pytestmark = [pytest.mark.integration, pytest.mark.slow]

Content = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes | None], ...]]


async def publish(settings: KafkaSettings, release: Fixture) -> None:
    """Fill an empty broker with the topics: each record at its offset."""
    await create_topics(settings, declarations(release.manifest.partitions, 1))
    plain = settings.model_copy(update={"kafka_transactions": False})
    async with AIOKafkaProducer(**producer_config(plain, client_id="restoring")) as producer:
        for topic in (*event_topics(), RELAY_PROGRESS):
            for place, records in release.records(topic):
                for each in records:
                    headers = list(each.headers)
                    await producer.send_and_wait(topic, each.value, each.key, place.partition, headers=headers)


async def contents(settings: KafkaSettings) -> dict[tuple[str, int], list[Content]]:
    return {
        (topic, partition): [(each.key, each.value, tuple(each.headers)) for each in records]
        for topic in event_topics()
        for partition, records in (await read_topic(settings, topic)).items()
    }


async def test_it_publishes_what_is_new_and_nothing_again(
    release: Fixture, database: Database, pool: Pool, app: Connection, lent_broker: LentBroker
) -> None:
    settings = lent_broker.settings(kafka_topic_partitions=release.manifest.partitions)
    await publish(settings, release)
    before = await contents(settings)
    payment_id = PaymentId(uuid.UUID(release.manifest.payments["succeeded"]))
    refund = RequestRefund(refund_id=RefundId(uuid.uuid4()), amount=Money(amount_cents=100, currency="USD"))
    (*_, last) = await load_log(app)
    await Payments(pool, with_intake=False, merchant_id=MerchantId(DEVELOPMENT_MERCHANT)).command(payment_id, refund)
    (*_, new) = await load_log(app)
    assert new.position > last.position

    async with running_relay(database, settings) as relay:
        await reached(relay, new.position)

    after = await contents(settings)
    assert {place: records[: len(before[place])] for place, records in after.items()} == before
    added = {place: found for place, records in after.items() if (found := records[len(before[place]) :])}
    ((place, ((_, value, headers),)),) = added.items()
    delivered = from_kafka(value, headers)
    assert (delivered.event.event_id, delivered.event.stream_id) == (new.event_id, payment_id)
    assert delivered.previous_position == last_position(before[place])


def last_position(records: list[Content]) -> int:
    """Return the position of the last event; what is no event has none."""
    named = [dict(headers).get("ce_position") for _, _, headers in records]
    return max(int(each) for each in named if each is not None)

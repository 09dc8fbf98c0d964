"""The projector process's own work, from a real broker to the read model."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client import REGISTRY

from domain.ids import PaymentId
from event_store.store import Connection as AppConnection
from infra.kafka.clients import producer_config
from infra.kafka.consumer.dead_letters.admin import DeadLetterAdmin, Filter
from infra.kafka.topics import create_topics
from infra.postgres.pool import Connection
from infra.process.health import Health
from infra.process.runtime import Runtime
from infra.settings.kafka import KafkaSettings
from projections.process import ProjectorSettings, serve
from projections.runner import CONSUMER
from projections.verify import Difference, differences
from schemas.cloudevents import to_kafka
from schemas.envelope import RecordedEvent
from schemas.topics import PAYMENT, dead_letter_topic, declarations, event_topics, topic_of
from tests.support.balance_events import a_row
from tests.support.brokers import LentBroker
from tests.support.database import Database
from tests.support.kafka import read_topic
from tests.support.payment_histories import by_partition, random_history
from tests.support.read_model import load_log, store, store_balance
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

PARTITIONS = 4
PROJECTED = ("payments", "payment_timeline")
DLQ = dead_letter_topic(PAYMENT, CONSUMER)
POISON = (
    ({"data": b"{not json"}, "InvalidEventData"),
    ({"type": "payment.from_the_future"}, "UnknownEventType"),
    ({"schema_version": 99}, "UnsupportedSchemaVersion"),
)


@asynccontextmanager
async def projector(database: Database, kafka: KafkaSettings) -> AsyncIterator[Health]:
    settings = ProjectorSettings.model_validate({**kafka.model_dump(), "database_url": database.url("projector")})
    runtime = Runtime(service="projector", settings=settings, stop=asyncio.Event(), health=Health())
    task = asyncio.create_task(serve(runtime, settings))
    try:
        yield runtime.health
    finally:
        runtime.stop.set()
        await asyncio.wait_for(task, 30)


async def record(app: AppConnection, seed: int, count: int) -> list[RecordedEvent]:
    """Append random payments; returns the whole log."""
    rng = random.Random(seed)
    ids = [uuid.UUID(int=rng.getrandbits(128), version=4) for _ in range(count)]
    await store(app, [(each, random_history(rng, payment_id=PaymentId(each), steps=12)) for each in ids], rng=rng)
    return await load_log(app)


async def publish(settings: KafkaSettings, log: Sequence[RecordedEvent]) -> None:
    """Relay the whole log to a broker."""
    async with asyncio.timeout(20):
        await create_topics(settings, declarations(PARTITIONS, 1))
        async with AIOKafkaProducer(**producer_config(settings)) as producer:
            sent = [
                await producer.send(topic, message.value, message.key, partition=partition, headers=message.headers)
                for topic in event_topics()
                for partition, messages in by_partition(
                    [each for each in log if topic_of(each.category) == topic], PARTITIONS
                ).items()
                for message in (to_kafka(each.event, each.previous_position) for each in messages)
            ]
            await asyncio.gather(*sent)


def metric(name: str, projection: str) -> float:
    """Return a value of this process, which other tests have counted in too."""
    return REGISTRY.get_sample_value(name, {"projection": projection}) or 0.0


async def none_left(reader: Connection) -> Sequence[Difference]:
    return await eventually(lambda: differences(reader, reader), lambda found: not found, within=60)


async def test_the_read_model_follows_a_broker_that_is_wiped_and_refilled(
    lent_broker: LentBroker, database: Database, app: AppConnection, reader: Connection
) -> None:
    counted = {name: metric("projection_events_applied_total", name) for name in PROJECTED}
    settings = lent_broker.settings(kafka_topic_partitions=PARTITIONS)
    await publish(settings, await record(app, seed=1, count=60))

    async with projector(database, settings) as health:
        await none_left(reader)
        await eventually(lambda: _status(health), lambda status: status == "ok", within=30)

        await lent_broker.wipe()
        log = await record(app, seed=2, count=60)
        await publish(settings, log)

        await none_left(reader)
        await eventually(lambda: _status(health), lambda status: status == "ok", within=30)

    for name in PROJECTED:
        assert metric("projection_position", name) >= log[-1].position
        assert metric("projection_events_applied_total", name) == counted[name] + len(log)
        assert metric("projection_lag_seconds", name) > 0


async def _status(health: Health) -> str:
    return (await health.ready()).status


async def test_a_projector_started_before_its_topic_and_its_events_catches_up(
    lent_broker: LentBroker, database: Database, app: AppConnection, reader: Connection
) -> None:
    settings = lent_broker.settings(kafka_topic_partitions=PARTITIONS)
    async with projector(database, settings) as health:
        await eventually(lambda: _status(health), lambda status: status == "unhealthy")
        log = await record(app, seed=3, count=20)
        await publish(settings, log)
        await none_left(reader)


async def test_it_follows_both_topics_and_gives_only_the_ledger_balance_events(
    lent_broker: LentBroker, database: Database, app: AppConnection, reader: Connection
) -> None:
    settings = lent_broker.settings(kafka_topic_partitions=PARTITIONS)
    await store_balance(app, *(a_row(f"txn_{number}", reporting_category="topup") for number in range(30)))
    await publish(settings, await record(app, seed=4, count=10))
    async with projector(database, settings) as health:
        await none_left(reader)
        await eventually(lambda: _of_balance(reader), lambda count: count == 30, within=30)
        assert (await health.ready()).status == "ok"


async def _of_balance(reader: Connection) -> int:
    query = "SELECT count(*) FROM read_model.ledger_entries WHERE category = 'topup' AND kind = 'movement'"
    row = await (await reader.execute(query)).fetchone()
    assert row is not None
    return int(row[0])


async def test_poison_with_an_events_headers_is_kept_and_its_neighbours_applied(
    lent_broker: LentBroker, database: Database, app: AppConnection, reader: Connection
) -> None:
    settings = lent_broker.settings(kafka_topic_partitions=PARTITIONS)
    log = await record(app, seed=4, count=60)
    victims = dict(zip([event for event in log if event.version == 2][::9], POISON, strict=False))
    assert len(victims) == len(POISON)
    changed = {event.position: replace(event, **change) for event, (change, _) in victims.items()}  # type: ignore[arg-type]
    await publish(settings, [changed.get(event.position, event) for event in log])
    expected = {event.position: error_type for event, (_, error_type) in victims.items()}

    async def refused() -> dict[int | None, str]:
        dead_letters, _ = await DeadLetterAdmin(reader).list_dead_letters(Filter(limit=1000))
        return {each.position: each.error_type for each in dead_letters if each.reason == "refused"}

    async def announced() -> dict[int, str]:
        dlq = await read_topic(settings.model_copy(update={"kafka_topic_partitions": 1}), DLQ)
        headers = [dict(each.headers) for each in dlq[0]]
        return {int(each["ce_position"]): each["dlq_errortype"].decode() for each in headers if each["dlq_errortype"]}

    async def differing() -> set[uuid.UUID]:
        return {each.payment_id for each in await differences(reader, reader)}

    async with projector(database, settings) as health:
        assert await eventually(refused, lambda found: len(found) >= len(expected), within=60) == expected
        assert await eventually(announced, lambda found: len(found) >= len(expected), within=60) == expected
        # All else is applied, and what follows the poison in its own payment waits.
        payments = {event.stream_id for event in victims}
        await eventually(differing, lambda found: found == payments, within=60)
        await eventually(lambda: _status(health), lambda status: status == "ok", within=30)

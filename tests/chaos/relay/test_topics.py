"""A topic refuses records in the midst of a transaction, or is deleted: all or nothing, and all of it in the end."""

import asyncio
import random
import uuid

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType

from event_store.appends import Append
from event_store.store import Connection, append
from infra.settings.kafka import KafkaSettings
from schemas.topics import PAYMENT, partition_of
from tests.chaos.relay.append_load import Load
from tests.chaos.relay.conftest import Report
from tests.chaos.relay.relay_processes import RelayProcess, Relays
from tests.chaos.relay.topic_verification import verify, verify_when_complete
from tests.support.kafka import read_topic
from tests.support.log_entries import MERCHANT, new_event
from tests.support.payment_load import chaos_seed
from tests.support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.apache_kafka, pytest.mark.timeout(400)]

SMALL_BYTES, LIMIT_BYTES, LARGE_BYTES = 10, 2_000, 10_000
EVENTS = 3_000
REFILLS_CUT_SHORT = 4


@pytest.fixture
def admin(kafka: KafkaSettings) -> AdminClient:
    return AdminClient({"bootstrap.servers": kafka.kafka_bootstrap_servers, "log_level": 0})


async def test_a_record_that_is_refused_takes_its_whole_batch_with_it(
    app: Connection, kafka: KafkaSettings, relays: Relays, admin: AdminClient, report: Report
) -> None:
    (relay,) = await relays.started("0/1")
    await append(app, batch(kafka, large=None))
    await app.commit()
    before = await verify_when_complete(app, kafka)
    assert before.clean, before
    assert before.events == kafka.kafka_topic_partitions

    await asyncio.to_thread(limit_records, admin, LIMIT_BYTES)
    await append(app, batch(kafka, large=2))
    await app.commit()
    await eventually(lambda: count(relay, "relay_session_failed"), lambda found: found >= 3, within=60)
    assert all(f"raise max.message.bytes of {PAYMENT}" in said["error"] for said in relay.said("relay_session_failed"))
    seen = await verify(app, kafka)
    assert seen.missing == kafka.kafka_topic_partitions, "a reader of committed data sees nothing of the batch"
    uncommitted = await read_topic(kafka.model_copy(update={"kafka_transactions": False}), PAYMENT)
    assert sum(map(len, uncommitted.values())) > 2 * before.events, "the others of the batch had been delivered"

    await asyncio.to_thread(limit_records, admin, None)
    report("a record refused in mid-transaction", await verify_when_complete(app, kafka))


async def test_a_topic_that_was_deleted_is_made_anew_and_filled_again(
    app: Connection, kafka: KafkaSettings, relays: Relays, admin: AdminClient, report: Report
) -> None:
    chance = random.Random(chaos_seed())
    (relay,) = await relays.started("0/1")

    async def delete_twice() -> None:
        await asyncio.sleep(chance.uniform(0.5, 1.5))  # at random: into what it falls is what varies
        await asyncio.to_thread(delete_topic, admin)
        await eventually(lambda: count(relay, "relay_started"), lambda found: found >= 2, within=60)
        relay.kill()
        await asyncio.to_thread(delete_topic, admin)
        for _ in range(REFILLS_CUT_SHORT):
            await start_and_kill(relay, chance)
        await relay.start()
        await relay.wait_ready()

    deleting = asyncio.create_task(delete_twice())
    await Load(connection=app, chance=random.Random(chance.random()), per_second=300).run(EVENTS, until=deleting)
    await deleting
    report(f"a topic deleted, twice; {REFILLS_CUT_SHORT} refills cut short", await verify_when_complete(app, kafka))


async def start_and_kill(relay: RelayProcess, chance: random.Random) -> None:
    """Let a relay begin to publish, and kill it while its first batches are under way."""
    already = await count(relay, "relay_started")
    await relay.start()
    await eventually(lambda: count(relay, "relay_started"), lambda found: found > already, within=60, every=0.01)
    await asyncio.sleep(chance.uniform(0, 0.15))  # at random: into what it falls is what varies
    relay.kill()


def batch(kafka: KafkaSettings, *, large: int | None) -> list[Append]:
    """Return an append to a new stream in each partition; the event for the partition `large` is too large."""
    items = []
    for partition in range(kafka.kafka_topic_partitions):
        streams = iter(uuid.uuid4, None)
        stream = next(each for each in streams if partition_of(each, kafka.kafka_topic_partitions) == partition)
        event = new_event({"text": "x" * (LARGE_BYTES if partition == large else SMALL_BYTES)})
        items.append(
            Append(stream_id=stream, category="payment", merchant_id=MERCHANT, expected_version=0, events=(event,))
        )
    return items


def limit_records(admin: AdminClient, limit_bytes: int | None) -> None:
    """Let the topic take no larger batches of records; None: its default again."""
    operation = AlterConfigOpType.DELETE if limit_bytes is None else AlterConfigOpType.SET
    entry = ConfigEntry("max.message.bytes", str(limit_bytes or ""), incremental_operation=operation)
    resource = ConfigResource(ResourceType.TOPIC, PAYMENT, incremental_configs=[entry])
    for altered in admin.incremental_alter_configs([resource]).values():
        altered.result(timeout=10)


def delete_topic(admin: AdminClient) -> None:
    for deleted in admin.delete_topics([PAYMENT]).values():
        deleted.result(timeout=10)


async def count(relay: RelayProcess, event: str) -> int:
    return len(relay.said(event))

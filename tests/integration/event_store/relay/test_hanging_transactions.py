"""A transaction that Kafka has lost is ended by the next relay as it was decided, and each event is there once."""

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest.mock import patch

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from event_store.relay.producer import Limits
from event_store.relay.progress_topic import TransactionOpen
from event_store.relay.session import Session
from event_store.relay.shard import Shard
from event_store.store import Connection
from infra.kafka.clients import producer_config
from infra.kafka.topics import create_topics
from infra.settings.kafka import KafkaSettings
from schemas.envelope import RecordedEvent
from schemas.topics import PAYMENT, RELAY_PROGRESS, declarations
from tests.integration.event_store.relay.kafka_logs import append_payments, published_positions
from tests.support.database import Database
from tests.support.kafka import apache_kafka, transactional_settings
from tests.support.log_entries import OPEN_LOG

pytestmark = [pytest.mark.integration, pytest.mark.apache_kafka]

ALL = Shard(index=0, count=1)
PROGRESS = TopicPartition(RELAY_PROGRESS, 0)
PAYMENTS = [TopicPartition(PAYMENT, number) for number in range(4)]


@pytest.fixture
async def kafka(tmp_path: Path) -> AsyncIterator[KafkaSettings]:
    """Kafka that takes records of transactions into partitions of which the coordinator does not know."""
    forgets = {"transaction.partition.verification.enable": "false"}
    async with apache_kafka(tmp_path / "kafka", extra=forgets) as cluster:
        settings = transactional_settings(cluster.address)
        await create_topics(settings, declarations(4, 1))
        yield settings


@pytest.fixture
async def log(database: Database, app: Connection) -> Sequence[RecordedEvent]:
    """Eighty events; in every partition some of the first forty, and some of the others."""
    return await append_payments(database, app, 40)


async def publish_begin(settings: KafkaSettings, log: Sequence[RecordedEvent]) -> None:
    """Publish the first forty: the markers of their commit are there once another session opens."""
    async with Session.open(settings, ALL, OPEN_LOG) as session:
        await session.publish(log[:40], 40)


def forget(session: Session, lost: Collection[TopicPartition]) -> None:
    """Have the coordinator not learn that a transaction of the session is in these partitions."""
    transaction = session._producer._txn_manager
    add: Callable[[TopicPartition], None] = transaction.maybe_add_partition_to_txn
    transaction.maybe_add_partition_to_txn = lambda each: None if each in lost else add(each)


@contextmanager
def waiting_for(settings: KafkaSettings, ms: int) -> Iterator[None]:
    """Have an opening session wait no longer for others' transactions; by default it is some 30 s."""
    with patch("event_store.relay.producer._CLEANING_MS", ms - Limits(settings).transaction_ms):
        yield


async def reopened(settings: KafkaSettings, log: Sequence[RecordedEvent]) -> int:
    """Open a session, once more if it waits in vain; publish the rest, and return where it began."""
    for wait_ms in (8_000, 30_000):
        with suppress(TimeoutError), waiting_for(settings, wait_ms):
            async with Session.open(settings, ALL, OPEN_LOG) as session:
                began = session.position
                await session.publish([each for each in log if each.position > began], 80)
                return began
    pytest.fail("it still waits")


@pytest.mark.parametrize(
    ("lost", "begins_at"),
    [
        ([PROGRESS, *PAYMENTS[:2]], 80),  # the others have the marker of the commit
        (PAYMENTS[1:], 80),  # its record has
        ([PROGRESS], 80),
        ([PROGRESS, *PAYMENTS], 40),  # nobody can tell any more: none of it was seen
    ],
)
async def test_what_was_committed_in_part_is_committed_else_aborted(
    kafka: KafkaSettings, log: Sequence[RecordedEvent], lost: Collection[TopicPartition], begins_at: int
) -> None:
    await publish_begin(kafka, log)
    async with Session.open(kafka, ALL, OPEN_LOG) as session:
        forget(session, lost)
        await session.publish(log[40:], 80)
    assert await reopened(kafka, log) == begins_at
    assert await published_positions(kafka) == [event.position for event in log]


async def test_events_without_a_record_are_aborted(
    kafka: KafkaSettings, log: Sequence[RecordedEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    await publish_begin(kafka, log)
    with suppress(Killed):
        async with Session.open(kafka, ALL, OPEN_LOG) as session:
            forget(session, PAYMENTS)

            async def killed(*_: object) -> None:
                await session._producer.flush()
                raise Killed

            monkeypatch.setattr(session, "_send_record", killed)
            await session.publish(log[40:], 80)
    assert await reopened(kafka, log) == 40
    assert await published_positions(kafka) == [event.position for event in log]


async def test_a_transaction_of_somebody_else_is_named(kafka: KafkaSettings, log: Sequence[RecordedEvent]) -> None:
    async with Session.open(kafka, ALL, OPEN_LOG) as session:
        await session.publish(log, 80)
    options = producer_config(kafka, client_id="other", transactional_id="other") | {"transaction_timeout_ms": 120_000}
    async with AIOKafkaProducer(**options) as producer:
        await producer.begin_transaction()
        theirs = await producer.send_and_wait(RELAY_PROGRESS, None, key=b"other", partition=0)
        with pytest.raises(TransactionOpen) as raised, waiting_for(kafka, 8_000):
            async with Session.open(kafka, ALL, OPEN_LOG):
                pytest.fail("it opened")
        assert raised.value.begins == theirs.offset
        await producer.abort_transaction()
    async with Session.open(kafka, ALL, OPEN_LOG) as session:
        assert session.position == 80

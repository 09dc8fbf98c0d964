"""The relay puts every event into its topic, in order, once; on a broker with and on one without transactions."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder

from event_store.appends import Append, Appended
from event_store.relay import metrics
from event_store.relay.relay import Relay
from event_store.relay.session import Session
from event_store.relay.shard import Shard
from event_store.store import Connection, append
from infra.kafka.topics import create_topics
from infra.settings.kafka import KafkaSettings
from schemas.cloudevents import Delivered, from_kafka
from schemas.topics import PAYMENT, declarations, partition_of
from tests.support.brokers import LentBroker, on_apache
from tests.support.database import Database
from tests.support.kafka import (
    mock_cluster,
    mock_settings,
    read_topic,
)
from tests.support.log_entries import MERCHANT, an_append, new_event
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration
ALL = Shard(index=0, count=1)
# librdkafka's mock cluster does not undo the transactions that are aborted: what was sent stays.
UNDOES_ABORTED = ["plain", "transactional"] if on_apache() else ["plain"]


@pytest.fixture(params=["plain", "transactional"])
async def kafka(request: pytest.FixtureRequest, lent_broker: LentBroker) -> AsyncIterator[KafkaSettings]:
    if request.param == "transactional" and not on_apache():
        with mock_cluster() as servers:
            yield mock_settings(servers)
    else:
        yield lent_broker.settings(kafka_transactions=request.param == "transactional")


@asynccontextmanager
async def running_relay(database: Database, settings: KafkaSettings, shard: Shard = ALL) -> AsyncIterator[Relay]:
    stop = asyncio.Event()
    # The mock cluster, which alone has no checksums, has no topic administration either.
    relay = Relay(settings, database.url("relay"), shard, stop, creates_topics=settings.kafka_check_crcs)
    task = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)


async def append_streams(app: Connection, streams: int, events: int) -> int:
    """Append to many new streams, in two rounds; return the last position."""
    ids = [uuid.uuid4() for _ in range(streams)]
    last = 0
    for expected in (0, events):
        last = await append_all(app, [an_append(each, expected, events=events) for each in ids])
    return last


async def append_all(app: Connection, items: Sequence[Append]) -> int:
    results = [result for result in await append(app, items) if isinstance(result, Appended)]
    assert len(results) == len(items)
    await app.commit()
    return results[-1].position


async def reached(relay: Relay, position: int) -> None:
    async def probe() -> int:
        return relay.position or 0

    await eventually(probe, lambda found: found >= position, within=60)


async def delivered(settings: KafkaSettings) -> dict[int, list[Delivered]]:
    records = await read_topic(settings, PAYMENT)
    return {
        partition: [from_kafka(record.value, record.headers) for record in found]
        for partition, found in records.items()
    }


async def assert_each_event_once_and_in_order(app: Connection, settings: KafkaSettings) -> None:
    rows = await (await app.execute("SELECT position, stream_id FROM event_store.events ORDER BY position")).fetchall()
    found = await delivered(settings)
    for partition, messages in found.items():
        expected = [
            position for position, stream in rows if partition_of(stream, settings.kafka_topic_partitions) == partition
        ]
        assert [message.position for message in messages] == expected
        assert [message.previous_position for message in messages] == [0, *expected][: len(expected)]


async def assert_a_consumer_gets_each_event_once(app: Connection, settings: KafkaSettings) -> None:
    """By the rule for consumers: take what follows the checkpoint, drop what is before it, pass what is beyond."""
    rows = await (await app.execute("SELECT position FROM event_store.events ORDER BY position")).fetchall()
    applied: list[int] = []
    for messages in (await delivered(settings)).values():
        checkpoint = 0
        for message in messages:
            if message.previous_position <= checkpoint < message.position:
                checkpoint = message.position
                applied.append(checkpoint)
    assert sorted(applied) == [position for (position,) in rows]


async def test_every_event_is_published_once_in_order_across_restarts(
    database: Database, app: Connection, kafka: KafkaSettings
) -> None:
    for _ in range(3):
        position = await append_streams(app, streams=20, events=2)
        async with running_relay(database, kafka) as relay:
            await reached(relay, position)
            position = await append_streams(app, streams=20, events=2)
            await reached(relay, position)
    await assert_each_event_once_and_in_order(app, kafka)


async def test_rolled_back_appends_leave_no_trace_and_stop_nothing(
    database: Database, app: Connection, kafka: KafkaSettings
) -> None:
    async with running_relay(database, kafka) as relay:
        for _ in range(5):
            await append(app, [an_append(), an_append()])
            await app.rollback()
            position = await append_all(app, [an_append()])
        await reached(relay, position)
    await assert_each_event_once_and_in_order(app, kafka)


async def test_two_shards_share_the_log_and_one_takes_over_where_they_stopped(
    database: Database, app: Connection, kafka: KafkaSettings
) -> None:
    first, second = (Shard(index=index, count=2) for index in range(2))
    async with running_relay(database, kafka, first) as one, running_relay(database, kafka, second) as two:
        position = await append_streams(app, streams=30, events=1)
        await asyncio.gather(reached(one, position), reached(two, position))
    position = await append_streams(app, streams=30, events=1)
    async with running_relay(database, kafka) as alone:
        await reached(alone, position)
    await assert_each_event_once_and_in_order(app, kafka)


async def test_a_failed_delivery_is_published_again_and_nothing_is_skipped(
    database: Database, app: Connection, kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, failures = Session._send, iter([TimeoutError("lost delivery"), OSError("broken connection")])

    async def failing(self: Session, events: Sequence[object]) -> object:
        error = next(failures, None)
        if error is not None:
            raise error
        return await send(self, events)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "_send", failing)
    position = await append_streams(app, streams=10, events=2)
    async with running_relay(database, kafka) as relay:
        await reached(relay, position)
    await assert_each_event_once_and_in_order(app, kafka)


async def test_a_broker_that_lost_its_memory_is_filled_again_from_the_log(
    database: Database, app: Connection, lent_broker: LentBroker
) -> None:
    settings = lent_broker.settings()
    async with running_relay(database, settings) as relay:
        await reached(relay, await append_streams(app, streams=40, events=2))
        await lent_broker.wipe()
        position = await append_streams(app, streams=3, events=1)
        await reached(relay, position)
    await assert_a_consumer_gets_each_event_once(app, settings)


async def test_a_broker_that_lost_its_only_batches_is_filled_again(
    database: Database, app: Connection, lent_broker: LentBroker
) -> None:
    """No new event comes, and the embedded broker says of some empty partitions that they end at 1."""
    settings = lent_broker.settings()
    position = await append_streams(app, streams=40, events=1)
    async with running_relay(database, settings) as relay:
        await reached(relay, position)
        await lent_broker.wipe()
        await create_topics(settings, declarations(settings.kafka_topic_partitions, 1))

        async def events() -> int:
            return sum(len(records) for records in (await read_topic(settings, PAYMENT)).values())

        await eventually(events, lambda found: found >= 40)
    await assert_a_consumer_gets_each_event_once(app, settings)


async def test_without_transactions_a_second_relay_waits_for_the_first(
    database: Database, app: Connection, lent_broker: LentBroker
) -> None:
    settings = lent_broker.settings(kafka_transactions=False)
    async with running_relay(database, settings) as first:
        await reached(first, await append_streams(app, streams=5, events=1))
        async with running_relay(database, settings) as second:
            await reached(first, await append_streams(app, streams=5, events=1))
            assert second.position is None
    await assert_each_event_once_and_in_order(app, settings)


def refuse_batches_above(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Kafka say of larger batches what it says of those above max.message.bytes."""
    send = AIOKafkaProducer.send_batch

    async def refusing(
        producer: AIOKafkaProducer, batch: BatchBuilder, topic: str, *, partition: int
    ) -> asyncio.Future[object]:
        if batch.size() <= size:
            sent: asyncio.Future[object] = await send(producer, batch, topic, partition=partition)
            return sent
        refused: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        refused.set_exception(MessageSizeTooLargeError())
        return refused

    monkeypatch.setattr(AIOKafkaProducer, "send_batch", refusing)


@pytest.mark.parametrize("kafka", UNDOES_ABORTED, indirect=True)
@pytest.mark.parametrize("limit", [100_000, 6_000])
async def test_an_event_that_kafka_refuses_does_not_stop_its_shard(
    database: Database, app: Connection, kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    refuse_batches_above(limit, monkeypatch)
    counted = metrics.REFUSED._value.get()
    stream = uuid.uuid4()
    await append_all(app, [an_append(stream, events=40)])
    large = Append(
        stream_id=stream,
        category="payment",
        merchant_id=MERCHANT,
        expected_version=40,
        events=(new_event({"text": "x" * 200_000}),),
    )
    refused = await append_all(app, [large])
    last = await append_all(app, [an_append(stream, 41, events=40)])
    async with running_relay(database, kafka) as relay:
        await reached(relay, last)
    messages = (await delivered(kafka))[partition_of(stream, kafka.kafka_topic_partitions)]
    applied: list[Delivered] = []
    for message in messages:  # by the rule for consumers: what was sent beside it comes again, without transactions
        checkpoint = applied[-1].position if applied else 0
        if message.previous_position <= checkpoint < message.position:
            applied.append(message)
    positions = [message.position for message in applied]
    assert positions == [position for position in range(1, last + 1) if position != refused]
    assert [message.previous_position for message in applied] == [0, *positions][: len(positions)]
    assert [message.event.version for message in applied] == positions, "the payment's own numbers leave one out"
    rows = await (await app.execute("SELECT position, reason FROM event_store.refused_events")).fetchall()
    assert rows == [(refused, "MessageSizeTooLargeError")]
    assert metrics.REFUSED._value.get() == counted + 1


async def test_when_a_topic_takes_too_little_events_wait_and_none_is_left_out(
    database: Database, app: Connection, kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_batches_above(100, monkeypatch)
    ended = metrics.SESSIONS.labels(ended_by="error")._value
    before, last = ended.get(), await append_streams(app, streams=5, events=2)

    async def failures() -> float:
        return float(ended.get() - before)

    async with running_relay(database, kafka) as relay:
        await eventually(failures, lambda found: found >= 2, within=30)
        monkeypatch.undo()
        await reached(relay, last)
    await assert_each_event_once_and_in_order(app, kafka)
    assert await (await app.execute("SELECT * FROM event_store.refused_events")).fetchall() == []

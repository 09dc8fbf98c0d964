"""The clients of a cell: that nothing reaches Kafka, or comes from there, by another name."""

import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition

from infra.kafka.cell_clients import CellConsumer, CellProducer, new_consumer, new_producer
from infra.kafka.names import KafkaNames
from infra.settings.kafka import KafkaSettings
from schemas.topics import PAYMENT
from tests.unit.infra.kafka.records import a_record

OURS, THEIRS = TopicPartition(PAYMENT, 1), TopicPartition("paystream.a.payment", 1)
# They neither take nor give a topic or a partition.
_NAMELESS = {
    *("start", "stop", "unsubscribe", "flush", "create_batch", "transaction"),
    *("begin_transaction", "commit_transaction", "abort_transaction"),
}
_THROUGH_SEND = {"send_and_wait"}


def settings(cell: str | None) -> KafkaSettings:
    return KafkaSettings(_env_file=None, kafka_bootstrap_servers="127.0.0.1:1", cell=cell)


@pytest.mark.parametrize(("ours", "theirs"), [(CellConsumer, AIOKafkaConsumer), (CellProducer, AIOKafkaProducer)])
def test_every_method_that_knows_topics_is_translated(ours: type, theirs: type) -> None:
    public = {name for name, _ in inspect.getmembers(theirs, inspect.isfunction) if not name.startswith("_")}
    assert public - vars(ours).keys() - _NAMELESS - _THROUGH_SEND == set()


async def test_without_a_cell_the_clients_are_those_of_aiokafka() -> None:
    consumer, producer = new_consumer(settings(None)), new_producer(settings(None))
    assert (type(consumer), type(producer)) == (AIOKafkaConsumer, AIOKafkaProducer)
    await consumer.stop()
    await producer.stop()


async def test_a_transactional_id_is_the_cells_own() -> None:
    producer = new_producer(settings("a"), transactional_id="paystream-relay-0-of-1")
    assert producer._txn_manager.transactional_id == "a.paystream-relay-0-of-1"
    await producer.stop()


@pytest.mark.parametrize(
    "name", ["committed", "position", "highwater", "last_stable_offset", "last_poll_timestamp", "pause", "resume"]
)
async def test_what_is_asked_of_a_partition_names_the_cells(
    monkeypatch: pytest.MonkeyPatch, consumer: AIOKafkaConsumer, name: str
) -> None:
    given = _noted(monkeypatch, AIOKafkaConsumer, name)
    found = getattr(consumer, name)(OURS)
    if inspect.isawaitable(found):
        await found
    assert given == [(THEIRS,)]


@pytest.mark.parametrize("name", ["beginning_offsets", "end_offsets"])
async def test_offsets_are_given_by_the_declared_names(
    monkeypatch: pytest.MonkeyPatch, consumer: AIOKafkaConsumer, name: str
) -> None:
    given = _noted(monkeypatch, AIOKafkaConsumer, name, {THEIRS: 7})
    assert await getattr(consumer, name)([OURS]) == {OURS: 7}
    assert given == [([THEIRS],)]


async def test_records_carry_the_declared_topic(monkeypatch: pytest.MonkeyPatch, consumer: AIOKafkaConsumer) -> None:
    given = _noted(monkeypatch, AIOKafkaConsumer, "getmany", {THEIRS: [a_record(THEIRS)]})
    found = await consumer.getmany(OURS, timeout_ms=5)
    assert [(place, [each.topic for each in records]) for place, records in found.items()] == [(OURS, [PAYMENT])]
    assert given == [(THEIRS,)]


async def test_offsets_are_committed_by_the_cells_names(
    monkeypatch: pytest.MonkeyPatch, consumer: AIOKafkaConsumer
) -> None:
    given = _noted(monkeypatch, AIOKafkaConsumer, "commit")
    await consumer.commit({OURS: 7})
    assert given == [({THEIRS: 7},)]


async def test_a_listener_hears_the_declared_names(consumer: AIOKafkaConsumer) -> None:
    heard: list[set[TopicPartition]] = []

    class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
        async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
            heard.append(revoked)

        async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
            heard.append(assigned)

    consumer.subscribe([PAYMENT], listener=Listener())
    assert consumer.subscription() == {PAYMENT}
    assert consumer._subscription.topics == {"paystream.a.payment"}
    await consumer._subscription.listener.on_partitions_revoked({THEIRS})
    await consumer._subscription.listener.on_partitions_assigned({THEIRS})
    assert heard == [{OURS}, {OURS}]


async def test_a_pattern_is_refused_for_it_would_match_other_cells(consumer: AIOKafkaConsumer) -> None:
    with pytest.raises(ValueError, match="other cells"):
        consumer.subscribe(pattern="paystream.*")


@pytest.mark.parametrize("name", ["send", "send_and_wait"])
async def test_a_producer_sends_to_the_cells_topic(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    async def delivered() -> int:
        return 3

    given = _noted(monkeypatch, AIOKafkaProducer, "send", delivered())
    producer = new_producer(settings("a"))
    sent = await getattr(producer, name)(PAYMENT, b"value", key=b"key", partition=2)
    assert given[0][0] == "paystream.a.payment"
    if inspect.isawaitable(sent):
        await sent
    await producer.stop()


@pytest.fixture
async def consumer() -> AsyncIterator[AIOKafkaConsumer]:
    consumer = CellConsumer(names=KafkaNames("a"), bootstrap_servers="127.0.0.1:1")
    yield consumer
    await consumer.stop()


def _noted(monkeypatch: pytest.MonkeyPatch, client: type, name: str, answer: object = None) -> list[tuple[Any, ...]]:
    """Have a method of aiokafka's note what it is given, and answer so."""
    given: list[tuple[Any, ...]] = []

    def plain(_: object, *arguments: Any, **options: Any) -> object:
        del options
        given.append(arguments)
        return answer

    async def waiting(itself: object, *arguments: Any, **options: Any) -> object:
        return plain(itself, *arguments, **options)

    noting: Callable[..., object] = waiting if inspect.iscoroutinefunction(getattr(client, name)) else plain
    monkeypatch.setattr(client, name, noting)
    return given

"""How far back Kafka is read: until an event at or before the position, in growing steps, or the whole."""

import random
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from domain.ids import EventId, LogId
from event_store.recovery import kafka_copy
from event_store.recovery.kafka_copy import read_copy
from event_store.relay.progress import Place
from infra.kafka.consumer.own_log import ForeignCluster
from infra.settings.kafka import KafkaSettings
from schemas.cloudevents import to_kafka
from schemas.envelope import RecordedEvent
from schemas.topics import PAYMENT
from tests.support.log_entries import metadata

OURS, THEIRS = uuid.UUID(int=1), uuid.UUID(int=2)
EVENTS = 1000


class Consumer:
    """One partition of payments, whose events have the positions 1, 2, 3, ..."""

    def __init__(self, log_id: LogId | None, *, broken: Sequence[int] = ()) -> None:
        self.records = [self._record(number, log_id, broken=number in broken) for number in range(EVENTS)]
        self.at: dict[TopicPartition, int] = {}
        self.read = 0

    def _record(self, number: int, log_id: LogId | None, *, broken: bool) -> Any:
        event = RecordedEvent(
            position=number + 1,
            event_id=EventId(uuid.UUID(int=number + 1)),
            stream_id=uuid.UUID(int=5),
            version=number + 1,
            category="payment",
            type="test.happened",
            schema_version=1,
            data=b"{}",
            metadata=metadata(),
            recorded_at=datetime(2026, 11, 28, tzinfo=UTC),
        )
        headers = [] if broken else to_kafka(event, number, log_id).headers
        return SimpleNamespace(value=b"{}", headers=headers, topic=PAYMENT, offset=number)

    def assign(self, partitions: Sequence[TopicPartition]) -> None:
        self.partitions = partitions

    async def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {each: EVENTS if each.topic == PAYMENT else 0 for each in partitions}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.at[partition] = offset

    async def position(self, partition: TopicPartition) -> int:
        return self.at[partition]

    def highwater(self, _: TopicPartition) -> int:
        return EVENTS

    async def getmany(self, *partitions: TopicPartition, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        assert timeout_ms
        found = {}
        for each in partitions:
            found[each] = self.records[self.at[each] : self.at[each] + 300]
            self.at[each] += len(found[each])
            self.read += len(found[each])
        return found


def settings(*, transactions: bool) -> KafkaSettings:
    return KafkaSettings.model_validate(
        {"kafka_bootstrap_servers": "127.0.0.1:1", "kafka_transactions": transactions, "kafka_topic_partitions": 1}
    )


async def positions(
    monkeypatch: pytest.MonkeyPatch, consumer: Consumer, position: int, *, transactions: bool = True
) -> list[int]:
    @asynccontextmanager
    async def started(_: object) -> AsyncIterator[Consumer]:
        yield consumer

    monkeypatch.setattr(kafka_copy, "started", started)
    monkeypatch.setattr(kafka_copy, "new_consumer", lambda _, **__: None)
    found: list[int] = []
    async for part in read_copy(settings(transactions=transactions), position, LogId(OURS)):
        assert all(event.position <= part.until <= part.read_up_to[Place(PAYMENT, 0)] for event in part.events)
        found += [event.position for event in part.events]
    return found


async def test_what_lies_behind_the_position_is_read_and_a_little_more(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = Consumer(LogId(OURS))
    found = await positions(monkeypatch, consumer, 950)
    assert found == list(range(901, 1001))
    assert consumer.read == 200  # to find where to begin, and to read


async def test_it_goes_back_in_growing_steps_until_it_has_the_position(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await positions(monkeypatch, Consumer(LogId(OURS)), 700) == list(range(601, 1001))
    assert await positions(monkeypatch, Consumer(LogId(OURS)), 0) == list(range(1, 1001))


async def test_without_transactions_the_whole_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await positions(monkeypatch, Consumer(None), 950, transactions=False) == list(range(1, 1001))


async def test_what_is_no_event_is_passed_over_and_another_logs_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await positions(monkeypatch, Consumer(LogId(OURS), broken=[950, 999]), 990) == [
        each for each in range(901, 1001) if each not in (951, 1000)
    ]
    with pytest.raises(ForeignCluster):
        await positions(monkeypatch, Consumer(LogId(THEIRS)), 950)


class Partitions(Consumer):
    """Several partitions of payments, over which the positions from 1 on are spread; few records come at a time."""

    def __init__(self, spread: Sequence[int], at_a_time: int) -> None:
        super().__init__(LogId(OURS))
        self.of: dict[TopicPartition, list[Any]] = {}
        for number, partition in enumerate(spread):
            self.of.setdefault(TopicPartition(PAYMENT, partition), []).append(self.records[number])
        self._at_a_time = at_a_time

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {each: len(self.of.get(each, ())) for each in partitions}

    async def getmany(self, *partitions: TopicPartition, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        assert timeout_ms
        found = {}
        for each in partitions[:2]:  # a poll may bring something of some alone
            found[each] = self.of[each][self.at[each] : self.at[each] + self._at_a_time]
            self.at[each] += len(found[each])
        return found


@pytest.mark.parametrize("seed", range(5))
async def test_many_partitions_come_in_the_order_of_positions(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)
    spread = [chance.choice([0, 0, 0, 0, 1, 2, 2, 3]) if number < 700 else 1 for number in range(EVENTS)]
    consumer = Partitions(spread, at_a_time=1 + seed * 3)

    @asynccontextmanager
    async def started(_: object) -> AsyncIterator[Partitions]:
        yield consumer

    monkeypatch.setattr(kafka_copy, "started", started)
    monkeypatch.setattr(kafka_copy, "new_consumer", lambda _, **__: None)
    several = settings(transactions=True).model_copy(update={"kafka_topic_partitions": 4})
    found: list[int] = []
    parts = 0
    async for part in read_copy(several, 0, LogId(OURS)):
        assert [event.position for event in part.events] == sorted(event.position for event in part.events)
        assert len(part.events) <= 4 * consumer._at_a_time
        found += [event.position for event in part.events]
        parts += 1
    assert found == list(range(1, EVENTS + 1))
    assert parts > 10

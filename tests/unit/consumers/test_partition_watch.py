"""What the watch does to a partition whose position says nothing, or something impossible."""

from typing import cast

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from infra.kafka.liveness import Progress
from infra.kafka.partition_watch import PartitionWatch
from infra.kafka.subscription import Subscription

PARTITION = TopicPartition("t", 0)


class FakeConsumer:
    """One partition, of which `position` is read next and `end` is the end."""

    def __init__(self) -> None:
        self.end = 100
        self.fetched_end: int | None = None  # nothing was fetched yet
        self.at = 100
        self.away = False
        self.is_paused = False
        self.committed: list[dict[TopicPartition, int]] = []

    @property
    def consumer(self) -> "FakeConsumer":
        return self

    @property
    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset({PARTITION})

    async def position(self, _: TopicPartition) -> int:
        return self.at

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        if self.away:
            raise KafkaConnectionError("away")
        return dict.fromkeys(partitions, self.end)

    def last_stable_offset(self, _: TopicPartition) -> int | None:
        return self.fetched_end

    def highwater(self, _: TopicPartition) -> int | None:
        return self.fetched_end

    def seek(self, _: TopicPartition, offset: int) -> None:
        self.at = offset

    async def seek_to_beginning(self, _: TopicPartition) -> None:
        self.at = 0

    def pause(self, _: TopicPartition) -> None:
        self.is_paused = True

    def resume(self, _: TopicPartition) -> None:
        self.is_paused = False

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        if self.away:
            raise KafkaConnectionError("away")
        self.committed.append(offsets)


@pytest.fixture
def consumer() -> FakeConsumer:
    return FakeConsumer()


@pytest.fixture
def progress() -> Progress:
    made = Progress(stall_after_s=60)
    made.joined(assigned=True)
    return made


@pytest.fixture
def watch(consumer: FakeConsumer, progress: Progress) -> PartitionWatch:
    return PartitionWatch(cast("Subscription", consumer), "test", progress)


async def test_a_position_beyond_the_end_is_of_a_log_that_was_replaced(
    watch: PartitionWatch, consumer: FakeConsumer
) -> None:
    watch.handled(PARTITION, next_offset=100, moved=True)
    consumer.end = 40
    assert await watch.look() is None
    assert consumer.at == 0


async def test_an_end_that_the_broker_understates_is_not_taken_for_a_replaced_log(
    watch: PartitionWatch, consumer: FakeConsumer
) -> None:
    """Tansu answers the question for the end with the offset after the first record of the last batch."""
    watch.handled(PARTITION, next_offset=100, moved=True)
    consumer.end, consumer.fetched_end = 40, 100
    await watch.look()
    assert consumer.at == 100


async def test_at_the_end_it_steps_back_until_a_record_shows_where_it_stands(
    watch: PartitionWatch, consumer: FakeConsumer
) -> None:
    seen = []
    for _ in range(4):
        await watch.look()
        seen.append(consumer.at)
        consumer.at = consumer.end  # only transaction markers there
    assert seen == [98, 92, 68, 0]
    await watch.look()
    assert consumer.at == 100


async def test_a_delivered_record_ends_the_search(watch: PartitionWatch, consumer: FakeConsumer) -> None:
    await watch.look()
    watch.handled(PARTITION, next_offset=100, moved=False)
    consumer.at = 100
    await watch.look()
    assert consumer.at == 100


async def test_after_kafka_was_away_it_looks_again(watch: PartitionWatch, consumer: FakeConsumer) -> None:
    watch.handled(PARTITION, next_offset=100, moved=True)
    consumer.away = True
    assert "away" in str(await watch.look())
    consumer.away = False
    await watch.look()
    assert consumer.at < 100


async def test_missing_events_are_looked_for_from_the_beginning_once_and_then_at_the_end_again(
    watch: PartitionWatch, consumer: FakeConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("infra.kafka.partition_watch.time.monotonic", lambda: now)
    watch.handled(PARTITION, next_offset=None, moved=False)
    assert watch.missing(PARTITION, after=7)
    assert consumer.is_paused
    await watch.look()
    assert (consumer.at, consumer.is_paused) == (0, False)
    assert not watch.missing(PARTITION, after=7)
    consumer.at = 50
    now += 60
    await watch.look()
    assert consumer.at == 50  # still reading: what is missing may come later
    consumer.at = 100
    await watch.look()
    assert consumer.at == 0
    consumer.at = 100
    await watch.look()
    assert consumer.at == 100  # not all the time
    assert watch.missing(PARTITION, after=8)


async def test_only_what_is_handled_is_committed_and_again_after_a_failure(
    watch: PartitionWatch, consumer: FakeConsumer
) -> None:
    await watch.commit()
    assert consumer.committed == []
    watch.handled(PARTITION, next_offset=12, moved=True)
    watch.handled(PARTITION, next_offset=None, moved=True)
    consumer.away = True
    await watch.commit()
    consumer.away = False
    await watch.commit()
    await watch.commit()
    assert consumer.committed == [{PARTITION: 12}]


async def test_a_partition_that_stands_still_is_left_alone(
    watch: PartitionWatch, consumer: FakeConsumer, progress: Progress
) -> None:
    progress.stop(PARTITION, "bad")
    consumer.end = 40
    await watch.look()
    assert consumer.at == 100


async def test_an_empty_partition_that_seems_to_hold_a_record_keeps_nothing_waiting(
    watch: PartitionWatch, consumer: FakeConsumer
) -> None:
    consumer.at, consumer.end, consumer.fetched_end = 0, 1, 0
    await watch.look()
    assert watch._progress._waiting == 0

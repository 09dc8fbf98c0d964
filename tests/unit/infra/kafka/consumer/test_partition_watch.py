"""What the watch does to a partition whose position says nothing, or something impossible."""

import time
from types import SimpleNamespace
from typing import cast

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError
from prometheus_client import REGISTRY

from infra.kafka.consumer.liveness import ConsumerProgress
from infra.kafka.consumer.partition_watch import PartitionWatch
from infra.kafka.consumer.subscription import Record, Subscription
from tests.support.consumer_lag import lag_of

PARTITION = TopicPartition("t", 0)


class FakeConsumer:
    """One partition, of which `position` is read next and `end` is the end."""

    def __init__(self) -> None:
        self.end = 100
        self.fetched_end: int | None = None  # nothing was fetched yet
        self.fetched_at = time.time()
        self.ours = frozenset({PARTITION})
        self.at = 100
        self.away = False
        self.is_paused = False
        self.committed: list[dict[TopicPartition, int]] = []

    @property
    def consumer(self) -> "FakeConsumer":
        return self

    @property
    def assignment(self) -> frozenset[TopicPartition]:
        return self.ours

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

    def last_poll_timestamp(self, _: TopicPartition) -> int:
        return int(self.fetched_at * 1000)

    async def topics(self) -> set[str]:
        return {"t"}

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
def progress() -> ConsumerProgress:
    made = ConsumerProgress(stall_after_s=60)
    made.joined(assigned=True)
    return made


@pytest.fixture
def watch(consumer: FakeConsumer, progress: ConsumerProgress) -> PartitionWatch:
    return PartitionWatch(cast("Subscription", consumer), "test", progress, group="group")


def records(*offsets: int, at: float = 0.0) -> list[Record]:
    return [cast("Record", SimpleNamespace(offset=offset, timestamp=int(at * 1000))) for offset in offsets]


def lag() -> tuple[float | None, float | None]:
    """Return what Prometheus is told of the partition: events and seconds."""
    return lag_of(group="group", consumer="test", partition=PARTITION)


async def test_a_position_beyond_the_end_is_of_a_log_that_was_replaced(
    watch: PartitionWatch, consumer: FakeConsumer
) -> None:
    watch.mark_done(PARTITION, next_offset=100, moved=True)
    consumer.end = 40
    assert await watch.check() is None
    assert consumer.at == 0


async def test_an_end_that_the_broker_understates_is_no_replaced_log(
    watch: PartitionWatch, consumer: FakeConsumer
) -> None:
    """Tansu answers the question for the end with the offset after the first record of the last batch."""
    watch.mark_done(PARTITION, next_offset=100, moved=True)
    consumer.end, consumer.fetched_end = 40, 100
    await watch.check()
    assert consumer.at == 100


async def test_at_the_end_it_steps_back_until_a_record_shows_where_it_stands(
    watch: PartitionWatch, consumer: FakeConsumer
) -> None:
    seen = []
    for _ in range(4):
        await watch.check()
        seen.append(consumer.at)
        consumer.at = consumer.end  # only transaction markers there
    assert seen == [98, 92, 68, 0]
    await watch.check()
    assert consumer.at == 100


async def test_a_delivered_record_ends_the_search(watch: PartitionWatch, consumer: FakeConsumer) -> None:
    await watch.check()
    watch.mark_done(PARTITION, next_offset=100, moved=False)
    consumer.at = 100
    await watch.check()
    assert consumer.at == 100


async def test_after_kafka_was_away_it_looks_again(watch: PartitionWatch, consumer: FakeConsumer) -> None:
    watch.mark_done(PARTITION, next_offset=100, moved=True)
    consumer.away = True
    assert "away" in str(await watch.check())
    consumer.away = False
    await watch.check()
    assert consumer.at < 100


async def test_missing_events_are_looked_for_from_the_beginning_and_then_the_end(
    watch: PartitionWatch, consumer: FakeConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("infra.kafka.consumer.partition_watch.time.monotonic", lambda: now)
    watch.mark_done(PARTITION, next_offset=None, moved=False)
    assert watch.search_gap(PARTITION, after=7)
    assert consumer.is_paused
    await watch.check()
    assert (consumer.at, consumer.is_paused) == (0, False)
    assert not watch.search_gap(PARTITION, after=7)
    consumer.at = 50
    now += 60
    await watch.check()
    assert consumer.at == 50  # still reading: what is missing may come later
    consumer.at = 100
    await watch.check()
    assert consumer.at == 0
    consumer.at = 100
    await watch.check()
    assert consumer.at == 100  # not all the time
    assert watch.search_gap(PARTITION, after=8)


async def test_only_what_is_handled_is_committed_and_again_after_a_failure(
    watch: PartitionWatch, consumer: FakeConsumer
) -> None:
    await watch.commit()
    assert consumer.committed == []
    watch.mark_done(PARTITION, next_offset=12, moved=True)
    watch.mark_done(PARTITION, next_offset=None, moved=True)
    consumer.away = True
    await watch.commit()
    consumer.away = False
    await watch.commit()
    await watch.commit()
    assert consumer.committed == [{PARTITION: 12}]


async def test_a_halted_partition_is_left_alone(
    watch: PartitionWatch, consumer: FakeConsumer, progress: ConsumerProgress
) -> None:
    progress.halt(PARTITION, "bad")
    consumer.end = 40
    await watch.check()
    assert consumer.at == 100


async def test_an_empty_partition_that_seems_to_hold_a_record_blocks_nothing(
    watch: PartitionWatch, consumer: FakeConsumer
) -> None:
    consumer.at, consumer.end, consumer.fetched_end = 0, 1, 0
    await watch.check()
    assert watch._progress._waiting == 0


async def test_records_that_nobody_fetches_wait_all_the_same(
    watch: PartitionWatch, consumer: FakeConsumer, progress: ConsumerProgress
) -> None:
    """Whoever fetches may have died: then the newest fetch says for ever that there is nothing more."""
    watch.mark_done(PARTITION, next_offset=100, moved=True)
    consumer.end, consumer.fetched_end = 140, 100
    consumer.fetched_at = time.time() - 60
    await watch.check()
    assert progress._waiting == 40
    assert lag()[0] == 40


async def test_an_end_that_goes_back_with_a_change_of_leader_is_no_replaced_log(
    watch: PartitionWatch, consumer: FakeConsumer
) -> None:
    """A new leader answers fetches with its own high watermark, which may be behind what consumers have read."""
    watch.mark_done(PARTITION, next_offset=100, moved=True)
    consumer.end, consumer.fetched_end = 100, 95
    await watch.check()
    assert consumer.at == 100


async def test_a_step_back_is_small_again_after_a_record_was_delivered(
    watch: PartitionWatch, consumer: FakeConsumer
) -> None:
    """Else each short loss of Kafka would read four times as much again."""
    for _ in range(5):
        consumer.away = True
        await watch.check()
        consumer.away = False
        await watch.check()
        assert consumer.at == 98
        watch.mark_done(PARTITION, next_offset=100, moved=False)
        consumer.at = 100


async def test_nothing_is_committed_while_the_group_rebalances(watch: PartitionWatch, consumer: FakeConsumer) -> None:
    """A refused commit makes aiokafka forget who it is, in the middle of joining."""
    watch.assigned(stable=False)
    watch.mark_done(PARTITION, next_offset=12, moved=True)
    await watch.commit()
    assert consumer.committed == []
    watch.assigned(stable=True)
    watch.mark_done(PARTITION, next_offset=13, moved=True)
    await watch.commit()
    assert consumer.committed == [{PARTITION: 13}]


async def test_commits_that_fail_are_tried_ever_more_rarely(
    watch: PartitionWatch, consumer: FakeConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each one that is given up leaves a request behind in aiokafka."""
    now, tries = 1000.0, 0

    async def commit(_: object) -> None:
        nonlocal tries
        tries += 1
        raise KafkaConnectionError("the coordinator is frozen")

    monkeypatch.setattr("infra.kafka.consumer.partition_watch.time.monotonic", lambda: now)
    monkeypatch.setattr(consumer, "commit", commit)
    await watch.check()
    watch.mark_done(PARTITION, next_offset=100, moved=True)
    for _ in range(240):
        now += 0.5
        await watch.check()
    assert 5 <= tries <= 8


async def test_after_a_freeze_nothing_is_committed_before_the_group_can_tell(
    watch: PartitionWatch, consumer: FakeConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr("infra.kafka.consumer.partition_watch.time.monotonic", lambda: now)
    watch.mark_done(PARTITION, next_offset=12, moved=True)
    now += 60
    await watch.check()
    assert consumer.committed == []
    now += 0.5
    await watch.check()
    assert consumer.committed == [{PARTITION: 12}]


async def test_lag_counts_what_is_in_hand_and_is_0_at_the_end_behind_a_marker(
    watch: PartitionWatch, consumer: FakeConsumer
) -> None:
    consumer.at, consumer.end, consumer.fetched_end = 90, 100, 100
    await watch.check()
    assert lag()[0] == 10
    watch.delivered(PARTITION, records(90, 91, 92, 98))  # 93 to 97 were aborted, 99 is a marker
    consumer.at = 100
    await watch.check()
    assert lag()[0] == 10
    watch.mark_done(PARTITION, next_offset=92, moved=True)
    await watch.check()
    assert lag()[0] == 8
    watch.mark_done(PARTITION, next_offset=99, moved=True)
    await watch.check()
    assert lag() == (0, 0)


async def test_lag_is_counted_from_the_record_at_which_a_partition_stands(
    watch: PartitionWatch, consumer: FakeConsumer, progress: ConsumerProgress
) -> None:
    watch.delivered(PARTITION, records(95, 96))
    watch.mark_done(PARTITION, next_offset=96, moved=True)
    progress.halt(PARTITION, "bad")
    consumer.end = consumer.fetched_end = 110
    await watch.check()
    assert lag()[0] == 14


async def test_what_was_in_hand_of_a_log_that_is_read_again_does_not_count(
    watch: PartitionWatch, consumer: FakeConsumer
) -> None:
    watch.delivered(PARTITION, records(98, 99))
    consumer.at, consumer.end, consumer.fetched_end = 0, 10, 10  # aiokafka went back by itself
    watch.delivered(PARTITION, records(0, 1))
    watch.mark_done(PARTITION, next_offset=2, moved=True)
    consumer.at = 2
    await watch.check()
    assert lag()[0] == 8


async def test_lag_in_seconds_is_that_of_the_last_record_until_the_end(
    watch: PartitionWatch, consumer: FakeConsumer
) -> None:
    consumer.at = 90
    await watch.check()
    assert lag()[1] == pytest.approx(0, abs=0.5)  # nothing is known yet
    watch.delivered(PARTITION, records(90, 91, at=time.time() - 300))
    watch.mark_done(PARTITION, next_offset=92, moved=True)
    consumer.at = 92
    await watch.check()
    assert lag()[1] == pytest.approx(300, abs=1)
    consumer.at = 100
    await watch.check()
    assert lag()[1] == 0


async def test_lag_in_seconds_goes_on_while_kafka_is_away(
    watch: PartitionWatch, consumer: FakeConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(watch._lag, "_clock", lambda: now)
    watch.mark_done(PARTITION, next_offset=100, moved=True)
    await watch.check()
    consumer.away = True
    now += 30
    await watch.check()
    assert lag() == (0, 30)
    consumer.away = False
    await watch.check()
    consumer.at = consumer.end
    await watch.check()
    assert lag()[1] == 0


async def test_a_partition_that_is_taken_away_shows_no_lag_here(watch: PartitionWatch, consumer: FakeConsumer) -> None:
    await watch.check()
    assert lag() != (None, None)
    watch.assigned(stable=False)
    assert lag() == (None, None)
    await watch.check()
    assert lag() == (None, None)
    consumer.ours = frozenset()
    watch.assigned(stable=True)
    await watch.check()
    assert lag() == (None, None)


async def test_what_is_said_of_a_partition_that_is_no_longer_ours_is_forgotten(
    watch: PartitionWatch, consumer: FakeConsumer, progress: ConsumerProgress
) -> None:
    """A batch may fail after its partition was taken away: nobody here would ever say that it goes on."""
    consumer.ours = frozenset()
    watch.assigned(stable=True)
    progress.failing(PARTITION, "the database is away")
    progress.halt(PARTITION, "bad")
    await watch.check()
    await progress.check_ready()
    assert REGISTRY.get_sample_value("consumer_stopped_partitions", {"consumer": "test"}) == 0


async def test_a_database_that_went_back_makes_it_step_back_again(
    watch: PartitionWatch, consumer: FakeConsumer
) -> None:
    """No new message comes into a quiet partition, and nothing else would show what the database forgot."""
    watch.mark_done(PARTITION, next_offset=100, moved=True)
    await watch.check()
    assert consumer.at == 100
    watch.verify_again()
    await watch.check()
    assert consumer.at == 98

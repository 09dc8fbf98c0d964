from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from aiokafka import TopicPartition

from infra.kafka.consumer.liveness import ConsumerProgress
from infra.process.health import Unhealthy

PARTITION = TopicPartition("t", 0)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> ConsumerProgress:
    made = ConsumerProgress(stall_after_s=60, clock=clock)
    made.joined(assigned=True)
    made.kafka_answers(waiting=0)
    return made


@contextmanager
def looking(progress: ConsumerProgress, clock: Clock, *, waiting: int, seconds: int) -> Iterator[None]:
    """Let time pass while the watch goes on."""
    for _ in range(seconds):
        clock.now += 1
        progress.kafka_answers(waiting=waiting)
    yield


async def test_with_nothing_to_do_it_is_live_and_ready(progress: ConsumerProgress, clock: Clock) -> None:
    with looking(progress, clock, waiting=0, seconds=600):
        await progress.check_live()
        await progress.check_ready()


async def test_records_that_wait_without_a_batch_make_it_dead(progress: ConsumerProgress, clock: Clock) -> None:
    with looking(progress, clock, waiting=5, seconds=59):
        await progress.check_live()
    with looking(progress, clock, waiting=5, seconds=3), pytest.raises(Unhealthy, match="5 records wait"):
        await progress.check_live()


async def test_a_finished_batch_is_progress(progress: ConsumerProgress, clock: Clock) -> None:
    for _ in range(10):
        with looking(progress, clock, waiting=5, seconds=50):
            progress.applied(PARTITION)
            await progress.check_live()


async def test_a_failure_that_is_retried_makes_it_unready_not_dead(progress: ConsumerProgress, clock: Clock) -> None:
    for _ in range(10):
        with looking(progress, clock, waiting=5, seconds=50):
            progress.failing(PARTITION, "the database is away")
    await progress.check_live()
    with pytest.raises(Unhealthy, match="the database is away"):
        await progress.check_ready()
    progress.applied(PARTITION)
    await progress.check_ready()


async def test_while_kafka_is_away_it_is_unready_not_dead(progress: ConsumerProgress, clock: Clock) -> None:
    progress.kafka_answers(waiting=5)
    for _ in range(300):
        clock.now += 1
        progress.kafka_away("no answer")
    await progress.check_live()
    with pytest.raises(Unhealthy, match="no answer"):
        await progress.check_ready()


async def test_a_watch_that_went_silent_makes_it_dead(progress: ConsumerProgress, clock: Clock) -> None:
    clock.now += 61
    with pytest.raises(Unhealthy, match="has not looked"):
        await progress.check_live()


async def test_a_halted_partition_makes_it_dead_until_given_away(progress: ConsumerProgress) -> None:
    progress.halt(PARTITION, "offset 3: bad")
    with pytest.raises(Unhealthy, match="t/0 is halted: offset 3: bad"):
        await progress.check_live()
    progress.joined(assigned=True)
    await progress.check_live()


async def test_outside_the_group_it_is_not_ready(progress: ConsumerProgress) -> None:
    progress.joined(assigned=False)
    with pytest.raises(Unhealthy, match="waiting for the consumer group"):
        await progress.check_ready()

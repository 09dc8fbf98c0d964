"""Many who wait share one poller, and it ends with them."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

import pytest

from infra.process.shared_poller import SharedPoller, Waiter


@dataclass(slots=True, eq=False, kw_only=True)
class ForNumber(Waiter):
    """Waits until a counter has reached a number."""

    number: int


class Counting:
    """Counts its polls, and finishes those whose number is reached."""

    def __init__(self) -> None:
        self.polls: list[int] = []
        self.error: Exception | None = None

    async def __call__(self, waiters: Collection[ForNumber]) -> None:
        self.polls.append(len(waiters))
        if self.error is not None:
            raise self.error
        for waiter in waiters:
            if len(self.polls) >= waiter.number:
                waiter.finish()


async def test_everybody_is_finished_by_the_same_polls() -> None:
    counting = Counting()
    poller = SharedPoller(counting, name="test", interval_s=0.001)
    assert await asyncio.gather(*(poller.wait(ForNumber(number=3), 5) for _ in range(100))) == [True] * 100
    assert counting.polls == [100, 100, 100]
    assert not poller.waiters


async def test_it_polls_no_more_when_nobody_waits_and_again_for_the_next_one() -> None:
    counting = Counting()
    poller = SharedPoller(counting, name="test", interval_s=0.001)
    assert await poller.wait(ForNumber(number=1_000_000), 0.02) is False
    await asyncio.sleep(0.01)
    polls = len(counting.polls)
    await asyncio.sleep(0.02)
    assert len(counting.polls) == polls
    assert await poller.wait(ForNumber(number=polls + 2), 5)


async def test_a_failed_poll_is_raised_to_everybody() -> None:
    counting = Counting()
    counting.error = ConnectionError("away")
    poller = SharedPoller(counting, name="test", interval_s=0.001)
    results = await asyncio.gather(*(poller.wait(ForNumber(number=1), 5) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [ConnectionError] * 3


async def test_a_failed_poll_is_tried_again_where_that_is_wanted() -> None:
    counting = Counting()
    counting.error = ConnectionError("away")

    def retry_after_s(_: Exception) -> float:
        counting.error = None
        return 0.001

    poller = SharedPoller(counting, name="test", interval_s=0.001, retry_after_s=retry_after_s)
    assert await poller.wait(ForNumber(number=2), 5)


async def test_a_closed_poller_polls_no_more() -> None:
    counting = Counting()
    poller = SharedPoller(counting, name="test", interval_s=0.001)
    waiting = asyncio.create_task(poller.wait(ForNumber(number=1_000_000), 0.1))
    await asyncio.sleep(0.01)
    await poller.close()
    polls = len(counting.polls)
    assert await waiting is False
    assert len(counting.polls) == polls


@pytest.mark.parametrize("error", [None, ValueError("late")])
async def test_a_waiter_is_finished_once(error: Exception | None) -> None:
    waiter = ForNumber(number=1)
    waiter.finish()
    waiter.finish(error)
    assert waiter.is_done
    assert await waiter.wait(1)

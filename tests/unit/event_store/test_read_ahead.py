"""Reading ahead: the next run is read while the last one is worked on, and no more than that."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from event_store.replay.reading import Run, read_ahead


class Reading:
    """Gives so many runs, and knows how many it has begun to read and whether it was closed."""

    def __init__(self, count: int, *, fails_at: int | None = None) -> None:
        self.begun = 0
        self.closed = False
        self._count = count
        self._fails_at = fails_at

    async def runs(self) -> AsyncGenerator[Run, None]:
        try:
            for number in range(1, self._count + 1):
                self.begun = number
                await asyncio.sleep(0)
                if number == self._fails_at:
                    raise ConnectionError
                yield Run(position=number, count=1, events=[])
        finally:
            self.closed = True


async def other_tasks_ran() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_all_runs_come_in_order_and_one_is_read_ahead() -> None:
    reading, seen = Reading(4), list[int]()
    async for run in read_ahead(reading.runs()):
        seen.append(run.position)
        await other_tasks_ran()
        assert reading.begun == min(4, run.position + 1)
    assert (seen, reading.closed) == ([1, 2, 3, 4], True)


async def test_who_stops_early_leaves_nothing_running() -> None:
    reading = Reading(4)
    async with aclosing(read_ahead(reading.runs())) as runs:
        async for _ in runs:
            break
    assert reading.closed
    assert len(asyncio.all_tasks()) == 1


async def test_what_fails_in_reading_is_raised_when_it_is_its_turn() -> None:
    runs, seen = read_ahead(Reading(4, fails_at=3).runs()), list[int]()
    for _ in range(2):
        seen.append((await anext(runs)).position)
        await other_tasks_ran()
    assert seen == [1, 2]
    with pytest.raises(ConnectionError):
        await anext(runs)

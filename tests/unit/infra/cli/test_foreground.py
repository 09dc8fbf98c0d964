"""How work in the foreground is given up."""

import asyncio

import pytest

from infra.cli.foreground import unless


class Work:
    """Waits for ever; fails with `failure` when it is cancelled."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.begun = asyncio.Event()
        self.ended = False

    async def do(self) -> None:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = True
            if self.failure is not None:
                raise self.failure


async def test_work_is_done_to_its_end() -> None:
    assert await unless(asyncio.Event(), asyncio.sleep(0)) is True


@pytest.mark.parametrize("failure", [None, OSError("too late")])
async def test_work_is_given_up_when_asked_to_end(failure: Exception | None) -> None:
    work, stop_requested = Work(failure), asyncio.Event()
    waiting = asyncio.create_task(unless(stop_requested, work.do()))
    await work.begun.wait()
    stop_requested.set()
    assert await waiting is False
    assert work.ended


async def test_work_is_not_begun_when_asked_to_end_before() -> None:
    work, stop_requested = Work(), asyncio.Event()
    stop_requested.set()
    assert await unless(stop_requested, work.do()) is False
    assert not work.begun.is_set()


async def test_work_is_over_when_the_wait_for_it_is_cancelled() -> None:
    work = Work()
    waiting = asyncio.create_task(unless(asyncio.Event(), work.do()))
    await work.begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert work.ended


async def test_the_error_of_the_work_is_raised() -> None:
    async def fail() -> None:
        raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        await unless(asyncio.Event(), fail())

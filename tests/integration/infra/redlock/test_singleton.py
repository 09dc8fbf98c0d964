"""Work that one process at a time does."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from infra.redlock import Lease, Singleton
from tests.integration.infra.redlock.valkeys import Connect, Valkeys
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

TTL_MS = 600
CONTENDER = Path(__file__).with_name("contender.py")


class Other:
    """Another process that wants to do the work, `contender.py`."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def says(self) -> str:
        assert self._process.stderr is not None
        async with asyncio.timeout(10):
            return (await self._process.stderr.readline()).decode().strip()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)


StartOther = Callable[[Sequence[str]], Awaitable[Other]]


@pytest_asyncio.fixture
async def other_process() -> AsyncIterator[StartOther]:
    started: list[Process] = []

    async def start(urls: Sequence[str]) -> Other:
        environment = os.environ | {"CONTENDER": json.dumps({"urls": ",".join(urls), "ttl_ms": TTL_MS})}
        process = await asyncio.create_subprocess_exec(
            sys.executable, CONTENDER, stdout=DEVNULL, stderr=PIPE, env=environment
        )
        started.append(process)
        return Other(process)

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_work_that_learns_of_the_loss_by_itself_is_begun_again(connect: Connect) -> None:
    stop = asyncio.Event()
    begun = 0

    async def work(lease: Lease) -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            await lease.give_back()  # as good as lost
            lease.check()
        stop.set()

    async with asyncio.timeout(5):
        await Singleton(await connect(timeout_ms=100), "sweep", ttl_ms=TTL_MS).run(work, stop)
    assert begun == 2


class Work:
    """Work that goes on until it is told to stop, and knows how often it was begun and cut off."""

    def __init__(self, stop: asyncio.Event) -> None:
        self.stop = stop
        self.begun = self.cut_off = 0
        self.lease: Lease | None = None

    @property
    def at_it(self) -> bool:
        return self.lease is not None

    async def __call__(self, lease: Lease) -> None:
        self.begun += 1
        self.lease = lease
        try:
            await self.stop.wait()
        except asyncio.CancelledError:
            self.cut_off += 1
            raise
        finally:
            self.lease = None


class Contender:
    """One of several that want to do the same work."""

    def __init__(self, singleton: Singleton) -> None:
        self.stop = asyncio.Event()
        self.work = Work(self.stop)
        self.task = asyncio.create_task(singleton.run(self.work, self.stop))

    async def end(self) -> None:
        self.stop.set()
        async with asyncio.timeout(5):
            await self.task


async def start(connect: Connect, count: int) -> list[Contender]:
    return [Contender(Singleton(await connect(timeout_ms=100), "sweep", ttl_ms=TTL_MS)) for _ in range(count)]


def number_at_it(processes: list[Contender]) -> Callable[[], Awaitable[int]]:
    async def count() -> int:
        return sum(process.work.at_it for process in processes)

    return count


async def test_one_of_three_works_and_when_it_stops_another_takes_over(connect: Connect) -> None:
    processes = await start(connect, 3)
    waiting = list(processes)
    while waiting:
        await eventually(number_at_it(processes), lambda count: count == 1, within=5)
        await asyncio.sleep(TTL_MS / 1000)
        assert await number_at_it(processes)() == 1
        at_it = next(process for process in waiting if process.work.at_it)
        await at_it.end()
        waiting.remove(at_it)
    assert [(process.work.begun, process.work.cut_off) for process in processes] == [(1, 0)] * 3


async def test_work_is_cut_off_when_the_lease_is_lost_and_begun_again_when_it_can_be_had(
    valkeys: Valkeys, connect: Connect
) -> None:
    [process] = await start(connect, 1)
    await eventually(number_at_it([process]), within=5)
    valkeys.kill(0, 1, 2)
    await eventually(number_at_it([process]), lambda count: count == 0, within=2)
    assert process.work.cut_off == 1
    await valkeys.mend()
    await eventually(number_at_it([process]), within=5)
    assert process.work.begun == 2
    await process.end()


async def test_a_frozen_process_is_replaced_after_its_lease_and_knows_it_when_it_thaws(
    valkeys: Valkeys, other_process: StartOther
) -> None:
    first = await other_process(valkeys.urls)
    assert await first.says() == "at it"
    second = await other_process(valkeys.urls)
    first.signal(signal.SIGSTOP)
    assert await second.says() == "at it"
    first.signal(signal.SIGCONT)
    assert await first.says() == "lost"
    second.signal(signal.SIGKILL)
    assert await first.says() == "at it"


async def test_stop_ends_the_standing_by_at_once(connect: Connect) -> None:
    redlock = await connect(timeout_ms=100)
    async with redlock.lock("sweep", TTL_MS):
        [process] = await start(connect, 1)
        await asyncio.sleep(TTL_MS / 1000)
        assert not process.work.at_it
        await process.end()
        assert process.work.begun == 0


async def test_what_the_work_raises_is_raised(connect: Connect) -> None:
    async def fail(lease: Lease) -> None:
        lease.check()
        raise LookupError("no such run")

    async with asyncio.timeout(5):
        with pytest.raises(LookupError, match="no such run"):
            await Singleton(await connect(timeout_ms=100), "sweep", ttl_ms=TTL_MS).run(fail, asyncio.Event())

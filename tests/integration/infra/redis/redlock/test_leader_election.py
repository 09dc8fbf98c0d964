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

from infra.redis.redlock import Redlock, run_as_leader
from tests.integration.infra.redis.redlock.valkeys import Connect, Valkeys
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]

TTL_MS = 2_000
TIMEOUT_MS = 400  # a busy machine takes that long now and then; work without lock is what follows
CONTENDER = Path(__file__).with_name("lock_contender_program.py")


class Other:
    """Another process that wants to do the work, `lock_contender_program.py`."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def says(self) -> str:
        assert self._process.stderr is not None
        async with asyncio.timeout(20):
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


class Contender:
    """One of several that want to do the same work: with the lock it takes as long as it may."""

    def __init__(self, redlock: Redlock, *, interval_s: float = 0.05) -> None:
        self.stop = asyncio.Event()
        self.rounds: list[str] = []  # the circumstances of each
        self.at_it = False
        self.stood_by = self.attempts = 0
        self.task = asyncio.create_task(
            run_as_leader(
                redlock,
                "sweep",
                self._work,
                self.stop,
                interval_s=interval_s,
                lock_ttl_ms=TTL_MS,
                heartbeat=self._heartbeat,
                standby=self._standby,
            )
        )

    async def _work(self, result: str, may_continue: Callable[[], bool]) -> None:
        self.rounds.append(result)
        self.at_it = True
        while may_continue() and result == "with_lock":  # noqa: ASYNC110 - what it waits for is the clock
            await asyncio.sleep(0.01)
        self.at_it = False

    def _heartbeat(self) -> None:
        self.attempts += 1

    async def _standby(self) -> None:
        self.stood_by += 1

    async def end(self) -> None:
        self.stop.set()
        async with asyncio.timeout(15):
            await self.task


async def start(connect: Connect, count: int) -> list[Contender]:
    return [Contender(await connect(timeout_ms=TIMEOUT_MS)) for _ in range(count)]


def number_at_it(processes: list[Contender]) -> Callable[[], Awaitable[int]]:
    async def count() -> int:
        return sum(process.at_it for process in processes)

    return count


async def test_one_of_three_works_and_when_it_stops_another_takes_over(connect: Connect) -> None:
    processes = await start(connect, 3)
    waiting = list(processes)
    while waiting:
        await eventually(number_at_it(processes), lambda count: count == 1, within=15)
        await asyncio.sleep(TTL_MS / 1000)  # a lease that nobody extended would be over, by the servers' real clocks
        assert await number_at_it(processes)() == 1
        at_it = next(process for process in waiting if process.at_it)
        waiting.remove(at_it)
        # The first may have stood by too: when all ask at once, each can have too few of the servers.
        assert all(process.stood_by for process in waiting)
        await at_it.end()
    assert [process.rounds for process in processes] == [["with_lock"]] * 3


async def test_work_that_lost_its_lease_goes_on_unlocked_while_no_server_answers(
    valkeys: Valkeys, connect: Connect
) -> None:
    [process] = await start(connect, 1)
    await eventually(number_at_it([process]), within=15)
    valkeys.kill(0, 1, 2)

    async def rounds() -> list[str]:
        return process.rounds

    await eventually(rounds, lambda seen: seen[:2] == ["with_lock", "without_lock"], within=15)
    await valkeys.repair()
    await eventually(rounds, lambda seen: seen[-1] == "with_lock" and len(seen) > 2, within=15)
    assert process.at_it
    await process.end()


async def test_a_turn_that_ended_is_followed_by_the_next_under_the_same_lease(
    valkeys: Valkeys, connect: Connect
) -> None:
    stop = asyncio.Event()
    holders = []

    async def work(_result: str, _may_go_on: Callable[[], bool]) -> None:
        holders.append(await valkeys.holders("sweep"))
        if len(holders) == 3:
            stop.set()

    async def standby() -> None:
        pytest.fail("nobody else wants the lock")

    await run_as_leader(
        await connect(timeout_ms=TIMEOUT_MS),
        "sweep",
        work,
        stop,
        interval_s=0.01,
        lock_ttl_ms=TTL_MS,
        standby=standby,
    )
    assert holders[0][0] is not None
    assert holders == [holders[0]] * 3
    assert await valkeys.holders("sweep") == [None] * 5


async def test_a_frozen_process_is_replaced_and_knows_it_when_it_thaws(
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
    redlock = await connect(timeout_ms=TIMEOUT_MS)
    async with redlock.lock("sweep", TTL_MS):
        process = Contender(redlock, interval_s=60)

        async def stood_by() -> int:
            return process.stood_by

        await eventually(stood_by, within=15)
        await process.end()
    assert not process.rounds
    assert process.attempts >= process.stood_by


async def test_what_the_work_raises_is_raised_and_frees_the_lock(valkeys: Valkeys, connect: Connect) -> None:
    async def fail(_result: str, _may_go_on: Callable[[], bool]) -> None:
        raise LookupError("no such run")

    async def standby() -> None:
        pytest.fail("nobody else wants the lock")

    async with asyncio.timeout(15):
        with pytest.raises(LookupError, match="no such run"):
            await run_as_leader(
                await connect(timeout_ms=TIMEOUT_MS),
                "sweep",
                fail,
                asyncio.Event(),
                interval_s=60,
                lock_ttl_ms=TTL_MS,
                standby=standby,
            )
    assert await valkeys.holders("sweep") == [None] * 5

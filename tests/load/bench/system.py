"""The whole system on this machine: payments offered at a rate, whether anybody keeps up or not (an open loop)."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import aiohttp
import orjson
import psutil

from infra.embedded.connections import DEVELOPMENT_KEY
from infra.embedded.process import processes_of
from infra.embedded.stack import Stack
from infra.stripe_sandbox.client import SandboxAdmin
from infra.stripe_sandbox.faults.rules import Effect
from tests.load.bench.measurement import Context, Goal, Measure, Prepared, Row, Rows, Sample
from tests.load.completion import all_completed
from tests.support.brokers import chosen_broker
from tests.support.prepared_home import copy_prepared
from tests.support.system import System, new_key
from tests.support.waiting import eventually

_SECONDS = 30.0
_SAMPLED = 20  # one in so many payments is watched until the query API shows it,
_WATCHED = 10  # but no more at a time: those who watch take of what is measured
_LOOK_EVERY_S = 0.02
_DRAINED_WITHIN_S = 900.0
_STRIPE_P50_MS, _STRIPE_P99_MS, _SLOW_SHARE = 120, 380, 0.02
_IDLE_S = 15.0
_MB = 1_000_000
_HEADERS = {"Authorization": f"Bearer {DEVELOPMENT_KEY}", "Content-Type": "application/json"}
_BODY = b'{"user_id":"load","amount_cents":1000,"currency":"USD","payment_method":"pm_card_visa"}'


@dataclass(kw_only=True)
class Offered:
    """What became of payments offered at a rate. Times in seconds."""

    accepted: list[float] = field(default_factory=list)
    visible: list[float] = field(default_factory=list)
    refused: int = 0
    drained: float = 0.0
    processor: float = 0.0
    """Processor time of the whole system, from the first payment until the last one has succeeded."""

    @property
    def completed_a_second(self) -> float:
        """How many payments a second were brought to their end."""
        return len(self.accepted) / self.drained

    @property
    def processor_ms(self) -> float:
        """Processor time a payment."""
        return self.processor * 1000 / max(1, len(self.accepted))

    def details(self) -> dict[str, float]:
        """Return every figure."""
        return {
            "completed/s": self.completed_a_second,
            "refused": float(self.refused),
            "accepted p95 ms": _percentile(self.accepted, 0.95) * 1000,
            "visible p50 ms": _percentile(self.visible, 0.5) * 1000,
            "visible p95 ms": _percentile(self.visible, 0.95) * 1000,
            "processor ms a payment": self.processor_ms,
        }


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values) or [math.nan]
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def processor_seconds(stack: Stack) -> float:
    """Return the processor time that all parts used so far."""
    used = 0.0
    for component in stack.components:
        for process in _with_children(component.pid):
            with suppress(psutil.NoSuchProcess):  # a connection of PostgreSQL's ended in this moment
                times = process.cpu_times()
                used += times.user + times.system
    return used


def _with_children(pid: int | None) -> list[psutil.Process]:
    assert pid is not None, "it does not run"
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


class _Customers:
    """Who sends payments, and looks at some. Over aiohttp: httpx takes as much of the machine as what is measured."""

    def __init__(self, system: System, session: aiohttp.ClientSession, offered: Offered) -> None:
        self._create = f"{system.stack.urls.command_api}/payments"
        self._show = f"{system.stack.urls.query_api}/payments"
        self._session = session
        self._offered = offered
        self._watched = 0
        self.last = ""

    async def send(self, number: int) -> None:
        """Send one payment, with a card that succeeds; watch it, if it is its turn."""
        sent = time.monotonic()
        async with self._session.post(self._create, data=_BODY, headers={"Idempotency-Key": new_key()}) as answer:
            body = await answer.read()
        if answer.status != HTTPStatus.CREATED:
            self._offered.refused += 1
            return
        self._offered.accepted.append(time.monotonic() - sent)
        self.last = orjson.loads(body)["id"]
        if number % _SAMPLED == 0 and self._watched < _WATCHED:
            self._watched += 1
            await self.watch(self.last)
            self._watched -= 1
            self._offered.visible.append(time.monotonic() - sent)

    async def watch(self, payment_id: str) -> None:
        """Return once the query API shows it as succeeded."""
        async with asyncio.timeout(_DRAINED_WITHIN_S):
            while True:
                async with self._session.get(f"{self._show}/{payment_id}") as answer:
                    found = await answer.read()
                if answer.status == HTTPStatus.OK and orjson.loads(found)["status"] == "succeeded":
                    return
                await asyncio.sleep(_LOOK_EVERY_S)  # a client that looks again and again


async def offer(system: System, *, rate: float, seconds: float) -> Offered:
    """Send payments at the rate, and wait until all that were accepted have ended."""
    offered = Offered()
    processor, started = processor_seconds(system.stack), time.monotonic()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=_HEADERS) as session:
        customers = _Customers(system, session, offered)
        async with asyncio.TaskGroup() as group:
            for number in range(math.ceil(rate * seconds)):
                due = started + number / rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))  # paces the load: the rate is what is offered
                group.create_task(customers.send(number))
        await customers.watch(customers.last)
        await all_completed(system)
    offered.drained = time.monotonic() - started
    offered.processor = processor_seconds(system.stack) - processor
    return offered


@asynccontextmanager
async def like_make_run(folder: Path) -> AsyncIterator[System]:
    """Run the system as `make run` does."""
    await copy_prepared(folder)
    async with Stack(folder, supervise=True, broker=chosen_broker(), processes=processes_of("together")) as stack:
        system = System(stack)
        try:
            yield system
        finally:
            await system.close()


async def slow_down_stripe(system: System) -> None:
    """Let the sandbox take its time for each change: 120 ms, and one in fifty 380 ms."""
    async with SandboxAdmin(system.stack.urls.sandbox) as admin:
        slow = {"effect": Effect.LATENCY_BEFORE, "method": "POST", "path": "/v1/*"}
        await admin.add_fault(**slow, ms=_STRIPE_P99_MS, probability=_SLOW_SHARE)
        await admin.add_fault(**slow, ms=_STRIPE_P50_MS)


def _offering(
    rate: float, value: Callable[[Offered], float], *, seconds: float = _SECONDS, slow_stripe: bool = True
) -> Callable[[Context], AbstractAsyncContextManager[Measure]]:
    @asynccontextmanager
    async def prepared(context: Context) -> Prepared:
        async with like_make_run(context.folder / "system") as system:
            if slow_stripe:
                await slow_down_stripe(system)
            await offer(system, rate=5, seconds=1)  # the first of each kind of work takes longer

            async def measure() -> Sample:
                offered = await offer(system, rate=context.rate(rate), seconds=context.seconds(seconds))
                await _nothing_differs(system)
                return Sample(value=value(offered), details=offered.details())

            yield measure

    return prepared


async def _nothing_differs(system: System) -> None:
    """Nothing was lost, and nothing done twice."""
    assert await eventually(system.differences, lambda found: not found, within=120) == []


@asynccontextmanager
async def _idle(context: Context) -> Prepared:
    started = time.monotonic()
    async with like_make_run(context.folder / "idle") as system:
        start_s = time.monotonic() - started
        for _ in range(context.count(100)):
            await system.create()

        async def measure() -> Sample:
            seconds = context.seconds(_IDLE_S)
            before, began = processor_seconds(system.stack), time.monotonic()
            await asyncio.sleep(seconds)  # what is measured is that nothing happens
            used = (processor_seconds(system.stack) - before) / (time.monotonic() - began)
            parts = [process for component in system.stack.components for process in _with_children(component.pid)]
            memory = sum(process.memory_full_info().pss for process in parts) / _MB
            return Sample(
                value=used * 100, details={"PSS MB": memory, "processes": float(len(parts)), "started in s": start_s}
            )

        await eventually(system.differences, lambda found: not found, within=60)
        yield measure


ROWS: Rows = (
    Row(
        name="visible-10",
        title="p50 from POST until the query API shows it as succeeded, at 10 payments/s",
        unit="ms",
        goal=Goal(at_most=60),
        prepare=_offering(10, lambda offered: _percentile(offered.visible, 0.5) * 1000, slow_stripe=False),
    ),
    Row(
        name="visible-125",
        title="p95 from POST until the query API shows it as succeeded, at 125 payments/s",
        unit="ms",
        goal=Goal(at_most=1000),
        prepare=_offering(125, lambda offered: _percentile(offered.visible, 0.95) * 1000),
        rounds=1,
    ),
    Row(
        name="processor-150",
        title="processor time a payment, all processes, at 150 payments/s",
        unit="ms",
        goal=Goal(at_most=8),
        prepare=_offering(150, lambda offered: offered.processor_ms),
        rounds=1,
    ),
    Row(
        name="complete",
        title="payments brought to their end, 250/s offered for 60 s",
        unit="payments/s",
        goal=Goal(at_least=250),
        prepare=_offering(250, lambda offered: offered.completed_a_second, seconds=60),
        rounds=1,
    ),
    Row(
        name="overload",
        title="payments brought to their end, 400/s offered for 60 s",
        unit="payments/s",
        goal=Goal(at_least=225),
        prepare=_offering(400, lambda offered: offered.completed_a_second, seconds=60),
        rounds=1,
    ),
    Row(
        name="idle",
        title="the whole system, idle",
        unit="% of a core",
        goal=Goal(at_most=5),
        prepare=_idle,
        rounds=1,
    ),
)

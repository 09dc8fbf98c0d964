"""Reports the circuit breakers of this process: rows for people, of which nothing is decided."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from weakref import WeakKeyDictionary

import structlog

from infra.postgres.pool import Pool
from infra.postgres.queries import Queries
from infra.process.waiting import wait_for_event
from infra.stripe.guard.guard import BreakerReport, StripeGuard

log = structlog.get_logger(__name__)

_SQL = Queries.load(Path(__file__).with_name("reports.sql"))
_LOOK_EVERY_S = 1.0
_SEEN_EVERY_S = 15.0
"""Also without a change, so that whoever looks knows that the process is there."""

_LONGEST_S = 2.0
"""So that a process that ends does not wait for a database that is away."""

_of_guard: WeakKeyDictionary[StripeGuard, list["BreakerReports"]] = WeakKeyDictionary()
"""Those that run, in the order in which they began: services that share a process share its guard."""


@asynccontextmanager
async def breakers_reported(pool: Pool, guard: StripeGuard, service: str, stop: asyncio.Event) -> AsyncIterator[None]:
    """Report the breakers that a service calls Stripe through, until `stop` is set or the block is left."""
    reporting = asyncio.create_task(BreakerReports(pool, guard, service).run(stop))
    try:
        yield
    finally:
        if not stop.is_set():
            reporting.cancel()
        await asyncio.wait({reporting})


class BreakerReports:
    """Writes what the guard's breakers say, when it changes and every some seconds.

    Of several for one guard the one that began first does so, and names them all.
    """

    def __init__(self, pool: Pool, guard: StripeGuard, service: str, *, place: str = "") -> None:
        self._pool = pool
        self._guard = guard
        self._service = service
        self._place = place or f"{socket.gethostname()}:{os.getpid()}"
        self._written: tuple[str, tuple[BreakerReport, ...]] | None = None
        self._written_at = float("-inf")
        self._is_away = False

    async def run(self, stop: asyncio.Event) -> None:
        """Do so until `stop` is set. Never raises: what cannot be written is not reported."""
        running = _of_guard.setdefault(self._guard, [])
        running.append(self)
        try:
            while not await wait_for_event(stop, timeout_s=_LOOK_EVERY_S):
                if running[0] is self:
                    await self.look()
        finally:
            running.remove(self)
        await self._safely(self._withdraw)

    async def look(self) -> None:
        """Write what there is to report, if anything."""
        now = asyncio.get_running_loop().time()
        reported = (self._process(), tuple(self._guard.breakers()))
        if reported == self._written and now - self._written_at < _SEEN_EVERY_S:
            return

        async def write() -> None:
            if self._written is not None and self._written[0] != reported[0]:
                await self._withdraw()
            await self._write(*reported)
            self._written, self._written_at = reported, now

        await self._safely(write)

    def _process(self) -> str:
        """Return what the process is called: the services that share the guard, and where it runs."""
        services = {each._service for each in _of_guard.get(self._guard, ())} | {self._service}  # noqa: SLF001 - alike
        return f"{', '.join(sorted(services))} at {self._place}"

    async def _safely(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(_LONGEST_S):
                await work()
            self._is_away = False
        except Exception as error:  # noqa: BLE001 - whatever it is, payments go on
            if not self._is_away:
                log.warning("breakers_not_reported", error=f"{type(error).__name__}: {error}")
            self._is_away = True

    async def _write(self, process: str, reported: tuple[BreakerReport, ...]) -> None:
        parameters = {
            "process": process,
            "breakers": [each.name for each in reported],
            "states": [each.state.name.lower() for each in reported],
            "since": [each.since for each in reported],
        }
        async with self._pool.connection() as conn:
            await conn.execute(_SQL.report, parameters)

    async def _withdraw(self) -> None:
        if self._written is not None:
            async with self._pool.connection() as conn:
                await conn.execute(_SQL.withdraw, {"process": self._written[0]})

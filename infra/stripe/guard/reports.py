"""Reports the circuit breakers of this process: rows for people, of which nothing is decided."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from infra.postgres.pool import Pool
from infra.postgres.queries import Queries
from infra.process.waiting import wait_for_event
from infra.stripe.guard.guard import BreakerReport, StripeGuard

log = structlog.get_logger(__name__)

_SQL = Queries.load(Path(__file__).with_name("breaker_reports.sql"))
_LOOK_EVERY_S = 1.0
_SEEN_EVERY_S = 15.0
"""Also without a change, so that whoever looks knows that the process is there."""

_LONGEST_S = 2.0
"""So that a process that ends does not wait for a database that is away."""


class BreakerReports:
    """Writes what the guard's breakers say, when it changes and every some seconds."""

    def __init__(self, pool: Pool, guard: StripeGuard, *, process: str = "") -> None:
        self._pool = pool
        self._guard = guard
        self._process = process or f"{socket.gethostname()}:{os.getpid()}"
        self._written: tuple[BreakerReport, ...] | None = None
        self._written_at = float("-inf")
        self._is_away = False

    async def run(self, stop: asyncio.Event) -> None:
        """Do so until `stop` is set. Never raises: what cannot be written is not reported."""
        while not await wait_for_event(stop, timeout_s=_LOOK_EVERY_S):
            await self.look()
        await self._safely(self._withdraw)

    async def look(self) -> None:
        """Write what there is to report, if anything."""
        now = asyncio.get_running_loop().time()
        reported = tuple(self._guard.breakers())
        if reported == self._written and now - self._written_at < _SEEN_EVERY_S:
            return

        async def write() -> None:
            await self._write(reported)
            self._written, self._written_at = reported, now

        await self._safely(write)

    async def _safely(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(_LONGEST_S):
                await work()
            self._is_away = False
        except Exception as error:  # noqa: BLE001 - whatever it is, payments go on
            if not self._is_away:
                log.warning("breakers_not_reported", error=f"{type(error).__name__}: {error}")
            self._is_away = True

    async def _write(self, reported: tuple[BreakerReport, ...]) -> None:
        parameters = {
            "process": self._process,
            "breakers": [each.name for each in reported],
            "states": [each.state.name.lower() for each in reported],
            "since": [each.since for each in reported],
        }
        async with self._pool.connection() as conn:
            await conn.execute(_SQL.report, parameters)

    async def _withdraw(self) -> None:
        async with self._pool.connection() as conn:
            await conn.execute(_SQL.withdraw, {"process": self._process})

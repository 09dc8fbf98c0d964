"""Read your writes: waits, for a bounded time, until the read model reflects a position of the log.

All waiting requests of the process share one poller, so that many of them cost the database one query a tick. What does
not show by itself within a moment may be no payment's event: then the projector is asked to prove it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from infra.http.problems import Problem
from infra.postgres.pool import Connection, Pool
from projections.payment_timeline import read as timeline
from projections.watermark import read as watermark

_POLL_S = 0.01
_ASK_AFTER_S = 0.1  # nearly every event of a payment has been applied by then

Found = TypeVar("Found")


class AppliedPositions:
    """Tells when the read model reflects positions."""

    def __init__(self, pool: Pool, *, poll_s: float = _POLL_S) -> None:
        self._pool = pool
        self._poll_s = poll_s
        self._waiting: dict[int, set[asyncio.Future[None]]] = {}
        self._ask_at: dict[int, float] = {}
        self._poller: asyncio.Task[None] | None = None

    async def wait(self, position: int, timeout_s: float) -> bool:
        """Return whether `position` was reached within the time.

        Raises what the database raises.
        """
        applied: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(position, set()).add(applied)
        self._ask_at.setdefault(position, time.monotonic() + _ASK_AFTER_S)
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll(), name="applied-positions")
        try:
            await asyncio.wait_for(applied, timeout_s)
        except TimeoutError:
            return False
        finally:
            self._forget(position, applied)
        return True

    async def _poll(self) -> None:
        while self._waiting:
            try:
                async with self._pool.connection() as conn:
                    applied = await timeline.applied(conn, self._waiting)
                    if self._is_late(applied):
                        await watermark.request_advance(conn)
            except Exception as error:  # noqa: BLE001 - whatever it is, the waiting requests are to answer it
                self._fail(error)
                return
            for position in applied:
                self._ask_at.pop(position, None)
                for future in self._waiting.pop(position, ()):
                    if not future.done():
                        future.set_result(None)
            await asyncio.sleep(self._poll_s)

    def _is_late(self, applied: set[int]) -> bool:
        """Whether to ask now for a position that others than `applied` wait for: each now and then, all in one go."""
        now = time.monotonic()
        late = [position for position, at in self._ask_at.items() if at <= now and position not in applied]
        if late:
            self._ask_at.update(dict.fromkeys(self._ask_at, now + _ASK_AFTER_S))
        return bool(late)

    def _fail(self, error: Exception) -> None:
        for futures in self._waiting.values():
            for future in futures:
                if not future.done():
                    future.set_exception(error)
        self._waiting.clear()
        self._ask_at.clear()

    def _forget(self, position: int, future: asyncio.Future[None]) -> None:
        futures = self._waiting.get(position, set())
        futures.discard(future)
        if not futures:
            self._waiting.pop(position, None)
            self._ask_at.pop(position, None)


class Freshness:
    """What a request may ask of the read model's age."""

    def __init__(self, pool: Pool, *, wait_ms: int) -> None:
        self._pool = pool
        self._positions = AppliedPositions(pool)
        self._wait_ms = wait_ms

    async def read(self, position: int, query: Callable[[Connection], Awaitable[Found]]) -> Found:
        """Return what `query` reads, once the read model reflects `position` (0: at once).

        Raises the problem `projection_behind` (503).
        """
        if not position:
            async with self._pool.connection() as conn:
                return await query(conn)
        started = time.monotonic()
        may_wait = True
        while True:
            async with self._pool.connection() as conn:
                before = await watermark.generation(conn)
                if await timeline.applied(conn, [position]):
                    found = await query(conn)
                    if await watermark.generation(conn) == before:  # else it was emptied, and may lack what it had
                        return found
            left_s = started + self._wait_ms / 1000 - time.monotonic()
            if left_s <= 0 or not may_wait:
                raise await self._behind(position, started)
            may_wait = await self._positions.wait(position, left_s)

    async def require(self, position: int) -> None:
        """Wait until the read model reflects `position`. Raises the problem `projection_behind` (503)."""
        await self.read(position, _nothing)

    async def _behind(self, position: int, started: float) -> Problem:
        async with self._pool.connection() as conn:
            progress = await timeline.progress(conn)
        since = progress.updated_at and (datetime.now(UTC) - progress.updated_at).total_seconds()
        reached = progress.reached_before(position)
        return Problem(
            503,
            "projection_behind",
            "The read model is behind",
            f"The read model does not reflect position {position} yet.",
            {"Retry-After": "1"},
            min_position=position,
            projection_position=reached,
            positions_behind=position - reached,
            seconds_since_last_applied=since and round(max(0.0, since), 3),
            waited_ms=round((time.monotonic() - started) * 1000),
        )


async def _nothing(_: Connection) -> None:
    return

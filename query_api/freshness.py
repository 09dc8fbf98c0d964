"""Read your writes: waits, for a bounded time, until the event at a position has been applied.

All waiting requests of the process share one poller, so that many of them cost the database one query a tick.
"""

import asyncio
import time
from datetime import UTC, datetime

from infra.http.problems import Problem
from infra.postgres import Pool
from projections.payment_timeline import read as timeline

_POLL_S = 0.01


class AppliedPositions:
    """Tells when events have been applied."""

    def __init__(self, pool: Pool, *, poll_s: float = _POLL_S) -> None:
        self._pool = pool
        self._poll_s = poll_s
        self._waiting: dict[int, set[asyncio.Future[None]]] = {}
        self._poller: asyncio.Task[None] | None = None

    async def wait(self, position: int, timeout_s: float) -> bool:
        """Return whether the event at `position` was applied within the time.

        Raises what the database raises.
        """
        applied: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(position, set()).add(applied)
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
            except Exception as error:  # noqa: BLE001 - whatever it is, the waiting requests are to answer it
                self._fail(error)
                return
            for position in applied:
                for future in self._waiting.pop(position, ()):
                    if not future.done():
                        future.set_result(None)
            await asyncio.sleep(self._poll_s)

    def _fail(self, error: Exception) -> None:
        for futures in self._waiting.values():
            for future in futures:
                if not future.done():
                    future.set_exception(error)
        self._waiting.clear()

    def _forget(self, position: int, future: asyncio.Future[None]) -> None:
        futures = self._waiting.get(position, set())
        futures.discard(future)
        if not futures:
            self._waiting.pop(position, None)


class Freshness:
    """What a request may ask of the read model's age."""

    def __init__(self, pool: Pool, *, wait_ms: int) -> None:
        self._pool = pool
        self._positions = AppliedPositions(pool)
        self._wait_ms = wait_ms

    async def require(self, position: int) -> None:
        """Wait until the event at `position` is applied. Raises the problem `projection_behind` (503)."""
        started = time.monotonic()
        if await self._positions.wait(position, self._wait_ms / 1000):
            return
        async with self._pool.connection() as conn:
            progress = await timeline.progress(conn)
            if await timeline.applied(conn, [position]):  # in the last moment; or there was no time to wait
                return
        since = progress.updated_at and (datetime.now(UTC) - progress.updated_at).total_seconds()
        raise Problem(
            503,
            "projection_behind",
            "The read model is behind",
            f"The event at position {position} has not been applied yet.",
            {"Retry-After": "1"},
            min_position=position,
            projection_position=progress.position,
            positions_behind=max(0, position - progress.position),
            seconds_since_last_applied=since and round(max(0.0, since), 3),
            waited_ms=round((time.monotonic() - started) * 1000),
        )

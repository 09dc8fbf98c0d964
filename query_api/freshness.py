"""Read your writes: waits, for a bounded time, until the read model reflects a position of the log.

All waiting requests of the process share one poller, so that many of them cost the database one query a tick. What does
not appear within a moment may not be a payment's event: then the projector is asked to prove it.
"""

import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from infra.http.problems import Problem
from infra.postgres.pool import Connection, Pool
from infra.process.shared_poller import SharedPoller, Waiter
from projections.payment_timeline import read as timeline
from projections.watermark import read as watermark

_POLL_S = 0.01
_REQUEST_AFTER_S = 0.1  # nearly every event of a payment has been applied by then

Found = TypeVar("Found")


@dataclass(slots=True, eq=False, kw_only=True)
class _PositionWaiter(Waiter):
    position: int
    request_at: float
    """When to request that the position be proved."""


class AppliedPositions:
    """Tells when the read model reflects positions."""

    def __init__(self, pool: Pool, *, poll_s: float = _POLL_S) -> None:
        self._pool = pool
        self._poller = SharedPoller(self._poll, name="applied-positions", interval_s=poll_s)

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return len(self._poller.waiters)

    async def wait(self, position: int, timeout_s: float) -> bool:
        """Return whether `position` was reached within the time.

        Raises what the database raises.
        """
        waiter = _PositionWaiter(position=position, request_at=time.monotonic() + _REQUEST_AFTER_S)
        return await self._poller.wait(waiter, timeout_s)

    async def _poll(self, waiters: Collection[_PositionWaiter]) -> None:
        async with self._pool.connection() as conn:
            applied = await timeline.applied(conn, {waiter.position for waiter in waiters})
            for waiter in waiters:
                if waiter.position in applied:
                    waiter.finish()
            if _are_late([waiter for waiter in waiters if not waiter.is_done]):
                await watermark.request_advance(conn)


def _are_late(waiters: Sequence[_PositionWaiter]) -> bool:
    """Whether to request a proof now: one request for all of them, now and then."""
    now = time.monotonic()
    if not any(waiter.request_at <= now for waiter in waiters):
        return False
    for waiter in waiters:
        waiter.request_at = now + _REQUEST_AFTER_S
    return True


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

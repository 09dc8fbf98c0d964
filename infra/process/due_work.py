"""Looks for work that is due, in rows of the database: when woken, and after a pause at the latest."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from infra.backoff import Backoff, Pauses
from infra.kafka.consumer.retry_policy import is_transient
from infra.process.health import Unhealthy
from infra.process.pacing import Pacing
from infra.process.waiting import wait_for_any, wait_for_event

log = structlog.get_logger(__name__)

_STALL_AFTER_S = 60.0
_DATABASE_AWAY = Backoff(first_s=0.2, longest_s=5.0)


class DueWork:
    """One for a worker. `wake` ends a pause at once; `pacing` lets work that becomes due together be done together.

    `what` is looked for, as the liveness check says it; `look_failed` is logged while the database is away.
    """

    def __init__(self, what: str, look_failed: str, *, wake: asyncio.Event, pacing: Pacing) -> None:
        self._what = what
        self._look_failed = look_failed
        self._wake = wake
        self._pacing = pacing
        self._looked_at = time.monotonic()

    async def check_live(self) -> None:
        """Raise Unhealthy when nothing was looked for in too long."""
        silent = time.monotonic() - self._looked_at
        if silent > _STALL_AFTER_S:
            raise Unhealthy(f"no {self._what} was looked for in {silent:.0f} s")

    async def run(self, stop: asyncio.Event, look: Callable[[], Awaitable[float]]) -> None:
        """Look until `stop`. `look` does what is due and returns how long to wait, unless woken; 0: look again.

        Raises what it raises, but for what passes when the database is back.
        """
        away = Pauses(_DATABASE_AWAY)
        while not stop.is_set():
            await self._pacing.wait(stop)
            self._wake.clear()
            if stop.is_set():
                break
            self._looked_at = time.monotonic()
            try:
                pause_s = await look()
                away.succeeded()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning(self._look_failed, error=f"{type(error).__name__}: {error}")
                await wait_for_event(stop, timeout_s=away.failed())
                continue
            if pause_s > 0:
                await wait_for_any(self._wake, stop, timeout_s=pause_s)

"""Work that one process at a time does, while others stand by to take over: a sweep, a reconciliation run."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from infra.redlock.errors import LeaseLost, NotAcquired
from infra.redlock.lease import Lease
from infra.redlock.redlock import Redlock

log = structlog.get_logger(__name__)

_STANDBY_ASKS_AFTER = (0.1, 0.3)  # of the TTL


class Singleton:
    """Runs work only while this process holds the lock `name`.

    A process that dies is replaced after `ttl_ms` and a little more. The work checks its lease before each step, as
    every holder does: between the loss of the lease and the work's cancellation both processes may be at it.
    """

    def __init__(self, redlock: Redlock, name: str, *, ttl_ms: int = 10_000) -> None:
        self._redlock = redlock
        self._name = name
        self._ttl_ms = ttl_ms
        self._uniform = random.SystemRandom().uniform

    async def run(self, work: Callable[[Lease], Awaitable[None]], stop: asyncio.Event) -> None:
        """Stand by, run `work` once the lock is ours, cancel it and stand by again when the lock is lost.

        Returns when the work does, which sees to `stop` itself, or when `stop` is set while standing by. Raises what
        the work raises, but LeaseLost: work that learns of the loss by itself stands by again too.
        """
        while not stop.is_set():
            try:
                async with self._redlock.lock(self._name, self._ttl_ms) as lease:
                    log.info("singleton_started", lock=self._name)
                    if await _run_unless(lease.lost, work(lease)):
                        return
                    log.warning("singleton_interrupted", lock=self._name)
            except LeaseLost:
                log.warning("singleton_interrupted", lock=self._name)
            except NotAcquired:
                await _wait(stop, self._uniform(*_STANDBY_ASKS_AFTER) * self._ttl_ms / 1000)


async def _run_unless(lost: asyncio.Event, work: Awaitable[None]) -> bool:
    """Run the work to its end, which is True, or until `lost` is set: then it is cancelled."""
    running = asyncio.ensure_future(work)
    watching = asyncio.create_task(lost.wait())
    try:
        await asyncio.wait({running, watching}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ended = running.done()
        running.cancel()
        watching.cancel()
        # However long it takes: while it runs, this process must not start it a second time.
        await asyncio.wait({running, watching})
    if ended or not running.cancelled():
        running.result()
    return ended


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return

"""Work that is done again and again by one process at a time, while others stand by to take over."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from infra.redis.redlock.errors import NotAcquired
from infra.redis.redlock.redlock import Redlock


class Work(Protocol):
    """One turn. `result` says under which circumstances; it asks `may_go_on` before each further step."""

    async def __call__(self, result: str, may_go_on: Callable[[], bool], /) -> None:
        """Do it. What it raises ends the turns."""


async def take_turns(
    redlock: Redlock,
    lock: str,
    work: Work,
    stop: asyncio.Event,
    *,
    interval_s: float,
    lock_ttl_ms: int,
    turned: Callable[[], None] = lambda: None,
    stand_by: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Do the work every `interval_s`, or stand by, until `stop`.

    `turned` is called before each try to have the lock, `stand_by` whenever another process has it. While the lock
    servers are away, each process does it (`without_lock`): only for work that two at once do no harm with.
    """
    while not stop.is_set():
        turned()
        try:
            # Held until the next turn, so that nobody else takes one in between.
            async with redlock.lock(lock, lock_ttl_ms) as lease:
                while not stop.is_set() and lease.valid_for_s > 0:
                    await work("with_lock", lambda: lease.valid_for_s > 0 and not stop.is_set())
                    await _first(stop, lease.lost, interval_s)
        except NotAcquired as held:
            if held.servers_away:
                await work("without_lock", lambda: not stop.is_set())
                await _first(stop, None, interval_s)
            else:
                if stand_by is not None:
                    await stand_by()
                await _first(stop, None, min(interval_s, lock_ttl_ms / 1000 / 2))


async def _first(stop: asyncio.Event, lost: asyncio.Event | None, seconds: float) -> None:
    """Wait for the first of these."""
    waiting = {asyncio.create_task(event.wait()) for event in (stop, lost) if event is not None}
    await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()
    await asyncio.wait(waiting)

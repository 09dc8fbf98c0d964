"""Work that one process at a time does again and again, while the others stand by to take over."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from infra.process.waiting import wait_for_any
from infra.redis.redlock.errors import NotAcquired
from infra.redis.redlock.redlock import Redlock


class LeaderWork(Protocol):
    """One round of the leader's work. It asks `may_continue` before each further step.

    `result` is "with_lock", or "without_lock" while the lock servers are away.
    """

    async def __call__(self, result: str, may_continue: Callable[[], bool], /) -> None:
        """Do it. An error ends `run_as_leader`."""


async def run_as_leader(
    redlock: Redlock,
    lock: str,
    work: LeaderWork,
    stop: asyncio.Event,
    *,
    interval_s: float,
    lock_ttl_ms: int,
    heartbeat: Callable[[], None] = lambda: None,
    standby: Callable[[], Awaitable[None]] | None = None,
    wake: asyncio.Event | None = None,
) -> None:
    """Do the work every `interval_s` while this process holds the lock, and stand by otherwise, until `stop`.

    `heartbeat` is called before each attempt to acquire the lock, `standby` whenever another process holds it. `wake`
    ends a pause early and is cleared then. While the lock servers are away, every process does the work: only for work
    that may be done twice at once.
    """

    async def pause(seconds: float, *events: asyncio.Event) -> None:
        await wait_for_any(stop, *events, *([] if wake is None else [wake]), timeout_s=seconds)
        if wake is not None:
            wake.clear()

    while not stop.is_set():
        heartbeat()
        try:
            # Held between the rounds too, so that no other process starts one.
            async with redlock.lock(lock, lock_ttl_ms) as lease:
                while not stop.is_set() and lease.valid_for_s > 0:
                    await work("with_lock", lambda: lease.valid_for_s > 0 and not stop.is_set())
                    await pause(interval_s, lease.lost)
        except NotAcquired as error:
            if error.servers_away:
                await work("without_lock", lambda: not stop.is_set())
                await pause(interval_s)
            else:
                if standby is not None:
                    await standby()
                await pause(min(interval_s, lock_ttl_ms / 1000 / 2))

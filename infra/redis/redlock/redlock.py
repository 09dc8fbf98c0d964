"""Acquires a lock on a majority of independent servers.

https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/
"""

import asyncio
import logging
import random
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import structlog

from infra.redis.redlock import metrics
from infra.redis.redlock.arithmetic import boot_clock, least_uptime_s, majority
from infra.redis.redlock.errors import NotAcquired
from infra.redis.redlock.lease import Lease
from infra.redis.redlock.servers import Server, Vote, ask_all

log = structlog.get_logger(__name__)

# Random, so that processes that split the votes do not split them again.
_RETRY_S = (0.05, 0.2)
_LEAST_TIMEOUTS_IN_TTL = 5


class Redlock:
    """Locks over independent servers: any number, best an odd one; a majority must answer, so 2 of 5 may be away.

    With one server it is an ordinary Redis lock, which is gone when that server is.

    A lock keeps work apart that would be wasteful or noisy to do twice. It is never the only guard: a paused holder
    can outlive its lease, and a server that loses its keys without a restart (FLUSHALL, a replica that takes over)
    can give a lock away. `restart_guard`: a server that was just (re)started does not vote until every lock that it
    may have lost is over. This costs one TTL and two seconds after a start; without it, a restart can give a lock away.
    """

    def __init__(
        self,
        servers: Sequence[Server],
        *,
        restart_guard: bool = True,
        retry_s: tuple[float, float] = _RETRY_S,
        clock: Callable[[], float] = boot_clock,
    ) -> None:
        if not servers:
            raise ValueError("a lock needs at least one server")
        self._servers = tuple(servers)
        self._restart_guard = restart_guard
        self._retry_s = retry_s
        self._clock = clock
        self._uniform = random.SystemRandom().uniform
        self._servers_away = False

    @asynccontextmanager
    async def lock(
        self, name: str, ttl_ms: int, *, wait_s: float | None = 0.0, extend: bool = True
    ) -> AsyncIterator[Lease]:
        """Hold the lock `name` within the block; raises NotAcquired if that takes longer than `wait_s`.

        `wait_s` is 0 for one attempt and None for as long as it takes. All holders of a name use the same `ttl_ms`.
        With `extend` the lease is extended while the block runs. Its loss does not end the block: see `Lease`.
        """
        lease = await self._acquire_within(name, ttl_ms, wait_s)
        keeper = asyncio.create_task(lease.keep(extend=extend), name=f"keeper of the lock {name}")
        try:
            yield lease
        finally:
            await lease.give_back()
            keeper.cancel()
            await asyncio.wait({keeper})
            if not keeper.cancelled():
                keeper.result()

    async def _acquire_within(self, name: str, ttl_ms: int, wait_s: float | None) -> Lease:
        slowest_s = max(server.timeout_s for server in self._servers)
        if ttl_ms < _LEAST_TIMEOUTS_IN_TTL * slowest_s * 1000:
            raise ValueError(f"a TTL of {ttl_ms} ms is too short for servers that may take {slowest_s} s to answer")
        deadline = None if wait_s is None else self._clock() + wait_s
        while True:
            lease, result = await self._acquire(name, ttl_ms)
            if lease is not None:
                return lease
            pause_s = self._uniform(*self._retry_s)
            if deadline is not None and self._clock() + pause_s >= deadline:
                raise NotAcquired(name, servers_away=result == "away")
            await asyncio.sleep(pause_s)

    async def _acquire(self, name: str, ttl_ms: int) -> tuple[Lease | None, str]:
        """Ask every server once; keep nothing unless a majority says yes in time."""
        token = secrets.token_hex(16)
        started = self._clock()
        lease = Lease(name, token, ttl_ms=ttl_ms, started=started, servers=self._servers, clock=self._clock)
        least_uptime = least_uptime_s(ttl_ms / 1000) if self._restart_guard else 0
        result = "canceled"
        try:
            votes = await ask_all(
                s.acquire(name, token, ttl_ms=ttl_ms, least_uptime_s=least_uptime) for s in self._servers
            )
            result = _count(votes, in_time=lease.valid_for_s > 0)
        finally:
            if result != "acquired":
                await lease.give_back()
        self._log_away(away=result == "away", votes=votes)
        label = metrics.label_of(name)
        metrics.ACQUIRE_SECONDS.labels(label).observe(self._clock() - started)
        metrics.ACQUISITIONS.labels(label, result).inc()
        return (lease if result == "acquired" else None), result

    def _log_away(self, *, away: bool, votes: Sequence[Vote]) -> None:
        if away and not self._servers_away:
            level = logging.WARNING if Vote.AWAY in votes else logging.INFO  # a young one gets older by itself
            log.log(level, "redlock_servers_away", votes=[vote.value for vote in votes])
        elif self._servers_away and not away:
            log.info("redlock_servers_back")
        self._servers_away = away


def _count(votes: Sequence[Vote], *, in_time: bool) -> str:
    """Return the result of the votes, as the metrics call it."""
    needed = majority(len(votes))
    if votes.count(Vote.GRANTED) >= needed:
        return "acquired" if in_time else "late"
    if votes.count(Vote.AWAY) + votes.count(Vote.YOUNG) > len(votes) - needed:
        return "away"
    return "taken"

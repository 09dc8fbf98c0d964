"""A lock that is held: how long it can be believed, its extension, and its end."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from infra.redis.redlock import metrics
from infra.redis.redlock.arithmetic import majority, valid_until
from infra.redis.redlock.errors import LeaseLost
from infra.redis.redlock.servers import Server, Vote, ask_all

log = structlog.get_logger(__name__)

_EXTEND_AFTER = 1 / 3  # of the TTL: two more attempts fit before it is over
_TRY_AGAIN_AFTER = 1 / 20


class Lease:
    """What `Redlock.lock` yields. `lost` is set when the lease is over before it was released.

    Ask `check()` (or `valid_for_s`) right before each step that only one may take: a process that was paused learns
    of its loss from the clock, before any event can be set. Between that check and the step's effect the process can
    be paused again, so the step itself needs another guard: a constraint, a version, an idempotency key. There is no
    fencing token, since independent servers cannot count together.
    """

    def __init__(
        self,
        name: str,
        token: str,
        *,
        ttl_ms: int,
        started: float,
        servers: Sequence[Server],
        clock: Callable[[], float],
    ) -> None:
        self.name = name
        self.lost = asyncio.Event()
        self._token = token
        self._ttl_ms = ttl_ms
        self._servers = servers
        self._clock = clock
        self._valid_until = valid_until(started, ttl_ms / 1000)
        self._given_back = False
        self._asking = asyncio.Lock()

    @property
    def valid_for_s(self) -> float:
        """How long it can still be believed, if it is not extended; 0 when it is over."""
        if self._given_back or self.lost.is_set():
            return 0.0
        return max(0.0, self._valid_until - self._clock())

    def check(self) -> None:
        """Raise LeaseLost when it is over."""
        if not self._is_valid():
            raise LeaseLost(self.name)

    async def extend(self) -> bool:
        """Ask every server for another TTL; True when a majority still had the lock as ours, in time.

        After False the lease ends when it would have ended before, or is lost.
        """
        async with self._asking:
            if not self._is_valid():
                return False
            started = self._clock()
            votes = await ask_all(s.extend(self.name, self._token, ttl_ms=self._ttl_ms) for s in self._servers)
            extended = self._count(votes)
            if extended:
                self._valid_until = valid_until(started, self._ttl_ms / 1000)
        result = "extended" if extended else "lost" if self.lost.is_set() else "failed"
        metrics.EXTENSIONS.labels(metrics.label_of(self.name), result).inc()
        return extended

    def _count(self, votes: Sequence[Vote]) -> bool:
        if not self._is_valid():
            return False  # whatever they said: it was over for a moment, and may be of another process
        if votes.count(Vote.GRANTED) >= majority(len(votes)):
            return True
        if votes.count(Vote.TAKEN) + votes.count(Vote.MISSING) > len(votes) - majority(len(votes)):
            self._lose("a majority of the servers does not know of it")
        return False

    async def keep(self, *, extend: bool) -> None:
        """Extend it again and again, or only watch its end. Returns once it is lost or given back."""
        with metrics.LEASES_HELD.labels(metrics.label_of(self.name)).track_inprogress():
            while self._is_valid():
                if extend:
                    await asyncio.sleep(self.valid_for_s - self._ttl_ms / 1000 * (1 - _EXTEND_AFTER))
                    await self._extend_in_time()
                else:
                    await asyncio.sleep(self.valid_for_s)
        if not self._given_back:
            await self._release()

    async def _extend_in_time(self) -> None:
        """Extend it, or wait a little when that fails. Its end is noticed even while the servers do not answer."""
        end = asyncio.get_running_loop().call_later(self.valid_for_s, self._is_valid)
        try:
            if not await self.extend():
                await asyncio.sleep(min(self.valid_for_s, self._ttl_ms / 1000 * _TRY_AGAIN_AFTER))
        finally:
            end.cancel()

    async def give_back(self) -> None:
        """Release it on every server, also on those that did not confirm it."""
        self._given_back = True
        async with self._asking:  # an extension under way, coming after the release, would set the keys again
            await self._release()

    async def _release(self) -> None:
        await ask_all(server.release(self.name, self._token) for server in self._servers)

    def _is_valid(self) -> bool:
        if self._given_back or self.lost.is_set():
            return False
        if self._clock() >= self._valid_until:
            self._lose("it was over before it was extended")
            return False
        return True

    def _lose(self, reason: str) -> None:
        if not self.lost.is_set():
            self.lost.set()
            metrics.LEASES_LOST.labels(metrics.label_of(self.name)).inc()
            log.warning("redlock_lease_lost", lock=self.name, reason=reason)

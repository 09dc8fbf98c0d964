"""Reserves calls of Stripe in the bucket that all processes share, or in this one's own while Redis is away."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

import structlog
from redis.exceptions import RedisError

from infra.stripe.guard import metrics
from infra.stripe.guard.errors import TooManyCalls
from infra.stripe.guard.priority import Priority
from infra.stripe.guard.priority_semaphore import PrioritySemaphore
from infra.stripe.guard.token_bucket import LocalTokenBucket, Reservation, SharedTokenBucket, TokenBucketRules

log = structlog.get_logger(__name__)

_TRY_REDIS_AGAIN_S = 1.0
_BACKGROUND_PART = 1 / 4
_USABLE_FOR_S = 0.05
"""How late a reserved call may still be made whose caller has left. Later it could be one too many of its second."""
_ENDPOINT_LIMIT = 25.0
"""Calls a second of one endpoint, "unless noted otherwise": https://docs.stripe.com/rate-limits"""


class RateLimit:
    """Keeps all processes together to the rules. `processes` is how many there are: each has its part without Redis."""

    def __init__(
        self,
        rules: TokenBucketRules,
        shared: SharedTokenBucket,
        *,
        processes: int,
        max_wait_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shared = shared
        self._local = LocalTokenBucket(rules.share(processes))
        self._processes = processes
        self._max_wait_s = max_wait_s
        self._clock = clock
        self._successes = 0
        self._rate = rules.highest
        self._away = False
        self._without_redis_until = 0.0
        # One reserves at a time, for all who wait: each by itself would only load Redis.
        self._reserving = PrioritySemaphore()
        self._reserved = deque[float]()
        # What is read in the background: this process's part of it, evenly spread.
        self._background = LocalTokenBucket(rules.part(_BACKGROUND_PART / processes))
        self._background_waiting = PrioritySemaphore()
        # Of endpoints that Stripe limits now, beside the limit of all: this process's part.
        self._endpoint_rules = TokenBucketRules(limit=min(_ENDPOINT_LIMIT, rules.limit)).share(processes)
        self._endpoints: dict[str, LocalTokenBucket] = {}
        self._endpoint_successes: dict[str, int] = {}
        metrics.CEILING.set(rules.limit)
        self._show(rules.highest)

    async def acquire(self, endpoint: str | None = None, *, priority: Priority = Priority.NORMAL) -> None:
        """Wait until a call may be made. Raises TooManyCalls when that takes too long; nothing is reserved then.

        Of those who wait, the ones of the first priority come first.
        """
        began = self._clock()
        try:
            async with asyncio.timeout(self._max_wait_s):
                if endpoint in self._endpoints:
                    await self._acquire_for(endpoint)
                async with self._reserving.hold(priority):
                    call_at = await self._next_call()
        except TimeoutError:
            metrics.THROTTLED.inc()
            raise TooManyCalls(wait_s=self._max_wait_s) from None
        if (wait_s := call_at - self._clock()) > 0:
            await asyncio.sleep(wait_s)
        metrics.WAIT_SECONDS.observe(self._clock() - began)

    async def _next_call(self) -> float:
        """Return when the next call may be made, by the clock; reserve for all who wait, if none is reserved."""
        while True:
            now = self._clock()
            while self._reserved:
                if (call_at := self._reserved.popleft()) >= now - _USABLE_FOR_S:
                    return call_at
            reservation = await self._reserve(1 + self._reserving.waiting)
            if reservation.granted:
                now = self._clock()
                self._reserved.extend(now + wait_s for wait_s in reservation.later_s)
                return now + reservation.wait_s
            await asyncio.sleep(reservation.wait_s)

    async def wait_for_background_budget(self) -> None:
        """Wait, for as long as it takes, until a call in the background keeps within its part of the rate of now."""
        began = self._clock()
        async with self._background_waiting.hold():
            granted = False
            while not granted:
                processes = 1 if self._away else self._processes  # alone, it goes at the rate of its own part
                self._background.start_with(self._rate * _BACKGROUND_PART / processes)
                reservation = self._background.reserve(self._clock(), successes=0)
                granted = reservation.granted
                await asyncio.sleep(reservation.wait_s)
        metrics.BACKGROUND_WAIT_SECONDS.observe(self._clock() - began)

    async def _acquire_for(self, endpoint: str) -> None:
        """Wait until an endpoint that is limited may be called; forget the limit once it is as fast as it can be."""
        while (bucket := self._endpoints.get(endpoint)) is not None:
            reservation = bucket.reserve(self._clock(), successes=self._endpoint_successes.pop(endpoint, 0))
            if bucket.rate >= self._endpoint_rules.highest:
                self._endpoints.pop(endpoint)
                log.info("stripe_endpoint_rate_restored", endpoint=endpoint)
            await asyncio.sleep(reservation.wait_s)
            if reservation.granted:
                return

    def halve_endpoint_rate(self, endpoint: str) -> None:
        """Call one endpoint less often: Stripe said 429 for it alone."""
        metrics.LIMITED.inc()
        bucket = self._endpoints.setdefault(endpoint, LocalTokenBucket(self._endpoint_rules))
        self._endpoint_successes.pop(endpoint, None)
        before = bucket.rate
        if bucket.halve_rate(self._clock()) < before:
            log.warning("stripe_endpoint_rate_lowered", endpoint=endpoint, calls_per_s=round(bucket.rate, 2))

    @property
    def limited_endpoints(self) -> frozenset[str]:
        """The endpoints that are called less often now."""
        return frozenset(self._endpoints)

    def succeeded(self, endpoint: str | None = None) -> None:
        """Take note that Stripe served a call. The next reservation reports it: that spares a round trip."""
        self._successes += 1
        if endpoint in self._endpoints:
            self._endpoint_successes[endpoint] = self._endpoint_successes.get(endpoint, 0) + 1

    async def halve_rate(self) -> None:
        """Go slower: Stripe said 429. Does not raise."""
        metrics.LIMITED.inc()
        before, self._successes = self._rate, 0
        self._reserved.clear()
        rate = self._local.halve_rate(self._clock())
        if not self._is_without_redis():
            try:
                rate = await self._shared.halve_rate()
            except (RedisError, OSError) as error:
                self._go_without_redis(error)
        self._show(rate)
        if self._rate < before:
            log.warning("stripe_rate_lowered", calls_per_s=round(self._rate, 2))

    async def _reserve(self, calls: int) -> Reservation:
        successes, self._successes = self._successes, 0
        reservation = None if self._is_without_redis() else await self._reserve_shared(successes, calls)
        if reservation is None:
            reservation = self._local.reserve(self._clock(), successes=successes, calls=calls)
        self._show(reservation.rate)
        return reservation

    async def _reserve_shared(self, successes: int, calls: int) -> Reservation | None:
        try:
            reservation = await self._shared.reserve(successes=successes, calls=calls)
        except (RedisError, OSError) as error:
            self._go_without_redis(error)
            return None
        if self._away:
            self._away = False
            log.info("stripe_rate_limit_shared_again")
        return reservation

    def _is_without_redis(self) -> bool:
        return self._away and self._clock() < self._without_redis_until

    def _go_without_redis(self, error: Exception) -> None:
        self._without_redis_until = self._clock() + _TRY_REDIS_AGAIN_S
        if not self._away:
            self._away = True
            self._local.start_with(self._rate / self._processes)
            log.warning("stripe_rate_limit_alone", error=type(error).__name__, calls_per_s=round(self._local.rate, 2))

    def _show(self, rate: float) -> None:
        self._rate = rate
        metrics.RATE.set(rate)
        metrics.SHARED.set(0 if self._away else 1)

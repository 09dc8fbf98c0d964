"""Turns to call Stripe: from the bucket that all processes share, or from this process's part while Redis is away."""

import asyncio
import time
from collections.abc import Callable

import structlog
from redis.exceptions import RedisError

from infra.stripe.guard import metrics
from infra.stripe.guard.bucket import LocalBucket, Pace, SharedBucket, Turn
from infra.stripe.guard.errors import TooManyCalls
from infra.stripe.guard.line import Line

log = structlog.get_logger(__name__)

_ASK_REDIS_AGAIN_S = 1.0
_ENDPOINT_LIMIT = 25.0
"""Calls a second of one endpoint, "unless noted otherwise": https://docs.stripe.com/rate-limits"""


class RateLimit:
    """Keeps all processes together to the pace. `processes` is how many there are: the parts while Redis is away."""

    def __init__(
        self,
        pace: Pace,
        shared: SharedBucket,
        *,
        processes: int,
        max_wait_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shared = shared
        self._local = LocalBucket(pace.share(processes))
        self._processes = processes
        self._max_wait_s = max_wait_s
        self._clock = clock
        self._successes = 0
        self._rate = pace.highest
        self._away = False
        self._left_alone_until = 0.0
        # One asks at a time, the first first: the others' asking would only load Redis.
        self._asking = Line()
        # Of endpoints that Stripe limits now, beside the limit of all: this process's part.
        self._endpoint_pace = Pace(limit=min(_ENDPOINT_LIMIT, pace.limit)).share(processes)
        self._endpoints: dict[str, LocalBucket] = {}
        self._endpoint_successes: dict[str, int] = {}
        metrics.CEILING.set(pace.limit)
        self._show(pace.highest)

    async def take(self, endpoint: str | None = None, *, urgent: bool = False) -> None:
        """Wait for a turn. Raises TooManyCalls when it does not come in time; it is then not used up.

        Those that are `urgent` come before the others who wait.
        """
        began = self._clock()
        try:
            async with asyncio.timeout(self._max_wait_s):
                if endpoint in self._endpoints:
                    await self._take_of(endpoint)
                async with self._asking.place(first=urgent):
                    turn = await self._ask()
                    while not turn.granted:
                        await asyncio.sleep(turn.wait_s)
                        turn = await self._ask()
        except TimeoutError:
            metrics.THROTTLED.inc()
            raise TooManyCalls(wait_s=self._max_wait_s) from None
        if turn.wait_s > 0:
            await asyncio.sleep(turn.wait_s)
        metrics.WAIT_SECONDS.observe(self._clock() - began)

    async def _take_of(self, endpoint: str) -> None:
        """Wait for a turn of an endpoint that is limited; forget the limit once it is as fast as it can be."""
        while (bucket := self._endpoints.get(endpoint)) is not None:
            turn = bucket.take(self._clock(), successes=self._endpoint_successes.pop(endpoint, 0))
            if bucket.rate >= self._endpoint_pace.highest:
                self._endpoints.pop(endpoint)
                log.info("stripe_endpoint_rate_restored", endpoint=endpoint)
            await asyncio.sleep(turn.wait_s)
            if turn.granted:
                return

    def cut_endpoint(self, endpoint: str) -> None:
        """Call one endpoint less often: Stripe said 429 for it alone."""
        metrics.LIMITED.inc()
        bucket = self._endpoints.setdefault(endpoint, LocalBucket(self._endpoint_pace))
        self._endpoint_successes.pop(endpoint, None)
        before = bucket.rate
        if bucket.cut(self._clock()) < before:
            log.warning("stripe_endpoint_rate_lowered", endpoint=endpoint, calls_per_s=round(bucket.rate, 2))

    @property
    def limited_endpoints(self) -> frozenset[str]:
        """The endpoints that are called less often now."""
        return frozenset(self._endpoints)

    def succeeded(self, endpoint: str | None = None) -> None:
        """Take note that Stripe served a call. The next turn reports it: that spares a round trip."""
        self._successes += 1
        if endpoint in self._endpoints:
            self._endpoint_successes[endpoint] = self._endpoint_successes.get(endpoint, 0) + 1

    async def cut(self) -> None:
        """Go slower: Stripe said 429. Does not raise."""
        metrics.LIMITED.inc()
        before, self._successes = self._rate, 0
        rate = self._local.cut(self._clock())
        if not self._is_left_alone():
            try:
                rate = await self._shared.cut()
            except (RedisError, OSError) as error:
                self._go_alone(error)
        self._show(rate)
        if self._rate < before:
            log.warning("stripe_rate_lowered", calls_per_s=round(self._rate, 2))

    async def _ask(self) -> Turn:
        successes, self._successes = self._successes, 0
        turn = None if self._is_left_alone() else await self._ask_shared(successes)
        if turn is None:
            turn = self._local.take(self._clock(), successes=successes)
        self._show(turn.rate)
        return turn

    async def _ask_shared(self, successes: int) -> Turn | None:
        try:
            turn = await self._shared.take(successes=successes)
        except (RedisError, OSError) as error:
            self._go_alone(error)
            return None
        if self._away:
            self._away = False
            log.info("stripe_rate_limit_shared_again")
        return turn

    def _is_left_alone(self) -> bool:
        return self._away and self._clock() < self._left_alone_until

    def _go_alone(self, error: Exception) -> None:
        self._left_alone_until = self._clock() + _ASK_REDIS_AGAIN_S
        if not self._away:
            self._away = True
            self._local.start_with(self._rate / self._processes)
            log.warning("stripe_rate_limit_alone", error=type(error).__name__, calls_per_s=round(self._local.rate, 2))

    def _show(self, rate: float) -> None:
        self._rate = rate
        metrics.RATE.set(rate)
        metrics.SHARED.set(0 if self._away else 1)

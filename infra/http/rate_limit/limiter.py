"""Grants requests at once, from what this process knows, and reports to the other processes in the background.

So a request waits for no round trip. What several processes grant before they know of each other is a bucket too much
at the worst, and is taken off afterwards.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from prometheus_client import Counter, Gauge
from redis.exceptions import RedisError

from infra.http.rate_limit.bucket import Bucket, BucketRules
from infra.http.rate_limit.shared import SharedBuckets
from infra.process.pacing import Pacing
from infra.settings.http import RateLimitSettings

log = structlog.get_logger(__name__)

REFUSED = Counter("http_requests_rate_limited_total", "Requests refused as their API key made too many", ["policy"])
ALONE = Gauge("http_rate_limit_alone", "1 while Redis is away, so that each process counts alone and limits are wider")

_REPORT_EVERY_S = 0.1
_TRY_AGAIN_S = 1.0
_MOST_IDLE_BUCKETS = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """Whether a request may go on, and what its response says of the limit."""

    granted: bool
    policy: str
    """The header RateLimit-Policy."""
    limit: str
    """The header RateLimit."""
    retry_after_s: int = 0


class RateLimiter:
    """The buckets of a process. An application keeps it as `app.state.rate_limiter`."""

    def __init__(
        self,
        policies: Mapping[str, BucketRules],
        shared: SharedBuckets | None = None,
        *,
        timeout_s: float = 0.2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`policies` has the rules of each class of routes; one that is not there has no limit."""
        self._policies = policies
        self._headers = {name: f'"{name}";q={rules.capacity};w={rules.burst_s}' for name, rules in policies.items()}
        self._shared = shared
        self._timeout_s = timeout_s
        self._clock = clock
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._reporting: asyncio.Task[None] | None = None
        self._pacing = Pacing(_REPORT_EVERY_S)
        self._try_again_at = 0.0
        ALONE.set(0)

    @classmethod
    def from_settings(
        cls, settings: RateLimitSettings, shared: SharedBuckets | None, *, timeout_s: float
    ) -> "RateLimiter":
        """Return one with the settings' limits."""
        rates = {
            "write": settings.rate_limit_write_per_s,
            "read": settings.rate_limit_read_per_s,
            "account": settings.rate_limit_account_per_s,
        }
        burst_s = settings.rate_limit_burst_s
        policies = {name: BucketRules(rate=rate, burst_s=burst_s) for name, rate in rates.items() if rate > 0}
        return cls(policies, shared, timeout_s=timeout_s)

    def grant(self, key_id: str, policy: str) -> Grant | None:
        """Say whether a request of a key may go on; None when that class of routes has no limit."""
        rules = self._policies.get(policy)
        if rules is None:
            return None
        now = self._clock()
        bucket = self._buckets.get((key_id, policy))
        if bucket is None:
            bucket = self._buckets[key_id, policy] = Bucket(rules, now)
        granted = bucket.take(now)
        if self._shared is not None and self._reporting is None and now >= self._try_again_at:
            self._reporting = asyncio.create_task(self._report_all(self._shared))
        limit = f'"{policy}";r={bucket.remaining(now)};t={_whole_seconds(bucket.full_in_s(now))}'
        if granted:
            return Grant(granted=True, policy=self._headers[policy], limit=limit)
        REFUSED.labels(policy).inc()
        retry_after_s = max(1, _whole_seconds(bucket.next_in_s(now)))
        return Grant(granted=False, policy=self._headers[policy], limit=limit, retry_after_s=retry_after_s)

    async def close(self) -> None:
        """End the report that is under way, and make no more."""
        self._shared = None
        if self._reporting is not None:
            await self._reporting

    async def _report_all(self, shared: SharedBuckets) -> None:
        """Report as long as there is something to report."""
        try:
            while self._shared is not None and await self._report(shared):
                await self._pacing.wait()
        finally:
            self._reporting = None
            self._forget_full_ones()

    async def _report(self, shared: SharedBuckets) -> bool:
        """Report once; return whether there was anything."""
        unreported = {each: bucket for each, bucket in self._buckets.items() if bucket.unreported}
        if not unreported:
            return False
        taken = {}
        for (key_id, policy), bucket in unreported.items():
            taken[f"{policy}:{key_id}"] = (bucket.unreported, self._policies[policy].rate)
            bucket.unreported = 0
        self._pacing.begin()
        try:
            async with asyncio.timeout(self._timeout_s):
                full_in_s = await shared.deduct(taken)
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            self._go_alone(error)
            return False
        now = self._clock()
        for bucket, each_s in zip(unreported.values(), full_in_s, strict=True):
            bucket.adjust(now, full_in_s=each_s, taken_meanwhile=bucket.unreported)
        if self._try_again_at:
            log.info("http_rate_limit_shared_again")
        self._try_again_at = 0.0
        ALONE.set(0)
        return True

    def _go_alone(self, error: Exception) -> None:
        """Count alone for a while: what was taken meanwhile is forgotten by the others."""
        if not self._try_again_at:
            log.warning("http_rate_limit_alone", error=type(error).__name__)
        self._try_again_at = self._clock() + _TRY_AGAIN_S
        ALONE.set(1)

    def _forget_full_ones(self) -> None:
        if len(self._buckets) <= _MOST_IDLE_BUCKETS:
            return
        now = self._clock()
        self._buckets = {
            name: bucket for name, bucket in self._buckets.items() if bucket.unreported or bucket.full_in_s(now) > 0
        }


def _whole_seconds(seconds: float) -> int:
    """Round up, but for what is left of fractions that are not exact."""
    return math.ceil(seconds - 1e-6)

"""Settings of the guard, and the guard made of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field, model_validator

from infra.redis.client import connect_redis
from infra.settings.process import ProcessSettings
from infra.settings.redis import RedisSettings
from infra.settings.stripe import StripeSettings
from infra.stripe.guard.breaker import Rules
from infra.stripe.guard.circuit import Circuit
from infra.stripe.guard.guard import StripeGuard
from infra.stripe.guard.rate_limit import RateLimit
from infra.stripe.guard.redis_token_bucket import RedisTokenBucket
from infra.stripe.guard.token_bucket import TokenBucketRules

_LEAST_LIMIT = 2
Milliseconds = Annotated[int, Field(ge=1)]
Limit = Annotated[float, Field(ge=0)]


class StripeGuardSettings(RedisSettings, StripeSettings):
    """How Stripe is spared, and when it is left alone."""

    stripe_rate_limit_live_per_s: Limit = 100
    """Calls in any second, of all processes together, with a live key; Stripe's own limit unless it gave you another.
    0: no limit, and Redis is not used. https://docs.stripe.com/rate-limits"""
    stripe_rate_limit_test_per_s: Limit = 25
    """The same with a test key. For a sandbox of one's own it can be as high as that takes."""
    stripe_expected_processes: Annotated[int, Field(ge=1)] = 1
    """How many processes call Stripe: each keeps to its part of the limit while Redis is away, and always to its part
    of the quarter that reads in the background may take."""
    stripe_max_concurrency: Annotated[int, Field(ge=1)] = 64
    """Calls in flight at once, in one process."""
    stripe_max_wait_ms: Milliseconds = 5_000
    """How long a call waits for its place, and for its turn, before it is put off."""
    stripe_breaker_window_ms: Milliseconds = 30_000
    stripe_breaker_minimum_calls: Annotated[int, Field(ge=1, le=1000)] = 10
    stripe_breaker_failure_ratio: Annotated[float, Field(gt=0, le=1)] = 0.5
    """It opens when such a part of the window's calls, and at least so many calls, found Stripe down."""
    stripe_breaker_consecutive: Annotated[int, Field(ge=1, le=1000)] = 5
    """It opens when so many calls in a row found Stripe down. Each kind of change has one, and all reads together."""
    stripe_breaker_open_ms: Milliseconds = 2_000
    stripe_breaker_longest_open_ms: Milliseconds = 60_000
    """How long it stays open: the first time, and at most, since it doubles each time."""
    stripe_breaker_probes: Annotated[int, Field(ge=1)] = 2
    """So many calls must go well before it closes."""

    @property
    def stripe_rate_limit_per_s(self) -> float:
        """The limit for the key's mode; 0 for none."""
        return self.stripe_rate_limit_live_per_s if self.stripe_livemode else self.stripe_rate_limit_test_per_s

    @property
    def breaker_rules(self) -> Rules:
        """When the breaker opens and for how long."""
        return Rules(
            window_s=self.stripe_breaker_window_ms / 1000,
            minimum_calls=self.stripe_breaker_minimum_calls,
            failure_ratio=self.stripe_breaker_failure_ratio,
            consecutive=self.stripe_breaker_consecutive,
            open_s=self.stripe_breaker_open_ms / 1000,
            longest_open_s=self.stripe_breaker_longest_open_ms / 1000,
            probes=self.stripe_breaker_probes,
        )

    @model_validator(mode="after")
    def _limit_is_usable(self) -> Self:
        for limit in (self.stripe_rate_limit_live_per_s, self.stripe_rate_limit_test_per_s):
            if 0 < limit < _LEAST_LIMIT:
                raise ValueError(f"a STRIPE_RATE_LIMIT is at least {_LEAST_LIMIT} calls a second, or 0 for none")
        return self


_shared: dict[tuple[object, ...], "_Lent"] = {}
"""The guards that are lent now, by event loop, name and settings."""


@dataclass(slots=True)
class _Lent:
    guard: StripeGuard
    closing: AsyncExitStack
    borrowers: int = 0


@asynccontextmanager
async def open_stripe_guard(settings: StripeGuardSettings, *, name: str = "stripe") -> AsyncIterator[StripeGuard]:
    """Lend the guard of these settings, and close its connections when nobody uses it any more. Redis may be away.

    In one process there is one: who opens it again gets the same. All processes that give the same `name` share one
    rate limit; a live and a test key never do.
    """
    key = (id(asyncio.get_running_loop()), name, _guard_settings(settings))
    if key not in _shared:
        closing = AsyncExitStack()
        _shared[key] = _Lent(guard=_create_guard(settings, name, closing), closing=closing)
    lent = _shared[key]
    lent.borrowers += 1
    try:
        yield lent.guard
    finally:
        lent.borrowers -= 1
        if lent.borrowers == 0:
            del _shared[key]
            await lent.closing.aclose()


def _guard_settings(settings: StripeGuardSettings) -> tuple[object, ...]:
    """Return what makes one guard different from another."""
    fields = {*StripeGuardSettings.model_fields} - {*ProcessSettings.model_fields}
    return tuple(getattr(settings, name) for name in sorted(fields))


def _create_guard(settings: StripeGuardSettings, name: str, closing: AsyncExitStack) -> StripeGuard:
    max_wait_s = settings.stripe_max_wait_ms / 1000
    rate = None
    if settings.stripe_rate_limit_per_s > 0:
        redis = connect_redis(settings.redis_url.get_secret_value(), timeout_s=settings.redis_timeout_ms / 1000)
        closing.push_async_callback(redis.aclose)
        rules = TokenBucketRules(limit=settings.stripe_rate_limit_per_s)
        rate = RateLimit(
            rules,
            RedisTokenBucket(redis, f"{name}:{'live' if settings.stripe_livemode else 'test'}", rules),
            processes=settings.stripe_expected_processes,
            max_wait_s=max_wait_s,
        )
    return StripeGuard(
        Circuit(name, settings.breaker_rules),
        rate,
        max_concurrency=settings.stripe_max_concurrency,
        max_wait_s=max_wait_s,
    )

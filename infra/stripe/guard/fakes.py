"""The shared bucket in memory, and a clock that is moved by hand; the contract tests run against it and the real one.

For unit tests only: other processes do not share it.
"""

import asyncio
from dataclasses import dataclass, field, replace

from redis.exceptions import RedisError

from infra.stripe.guard.token_bucket import LocalTokenBucket, Reservation, TokenBucketRules


@dataclass
class ManualClock:
    """Time stands still until it is moved."""

    now: float = 0.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


@dataclass
class MemoryTokenBucket:
    """A `SharedTokenBucket` that counts its requests. `reservations` are given instead of its own, in order."""

    rules: TokenBucketRules
    clock: ManualClock = field(default_factory=ManualClock)
    reservations: list[Reservation] = field(default_factory=list)
    away: bool = False
    requests: int = 0
    successes: list[int] = field(default_factory=list)
    halvings: int = 0

    def __post_init__(self) -> None:
        self._bucket = LocalTokenBucket(self.rules)

    @property
    def rate(self) -> float:
        """The rate now, as exactly as Redis tells it."""
        return round(self._bucket.rate, 3)

    async def reserve(self, *, successes: int, calls: int = 1) -> Reservation:
        """Reserve up to so many calls, and report how many went well since the last time."""
        self._ask()
        await asyncio.sleep(0)  # others come meanwhile, as they do during a request
        self.successes.append(successes)
        if self.reservations:
            return self.reservations.pop(0)
        return replace(self._bucket.reserve(self.clock.now, successes=successes, calls=calls), rate=self.rate)

    async def halve_rate(self) -> float:
        """Halve the rate, unless that was just done; return it."""
        self._ask()
        self.halvings += 1
        self._bucket.halve_rate(self.clock.now)
        return self.rate

    def _ask(self) -> None:
        self.requests += 1
        if self.away:
            raise RedisError

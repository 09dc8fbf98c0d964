"""A shared bucket in memory, and a clock that a test moves by hand."""

from dataclasses import dataclass, field

from redis.exceptions import RedisError

from infra.stripe_guard.bucket import Pace, Turn
from infra.stripe_guard.rate_limit import RateLimit

PACE = Pace(limit=111)  # 100 calls a second at most


@dataclass
class FakeShared:
    """A `SharedBucket` that answers what it is told, and remembers what it was asked."""

    turns: list[Turn] = field(default_factory=list)
    rate: float = 100.0
    away: bool = False
    asked: int = 0
    successes: list[int] = field(default_factory=list)
    cuts: int = 0

    async def take(self, *, successes: int) -> Turn:
        self.asked += 1
        if self.away:
            raise RedisError
        self.successes.append(successes)
        return self.turns.pop(0) if self.turns else Turn(granted=True, wait_s=0, rate=self.rate)

    async def cut(self) -> float:
        self.asked += 1
        if self.away:
            raise RedisError
        self.cuts += 1
        self.rate /= 2
        return self.rate


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def limit_over(
    shared: FakeShared, *, processes: int = 2, max_wait_s: float = 5, clock: Clock | None = None
) -> RateLimit:
    return RateLimit(PACE, shared, processes=processes, max_wait_s=max_wait_s, clock=clock or Clock())

"""The shared bucket in memory, and a clock that is moved by hand; the contract tests run against it and the real one.

For unit tests only: it is shared by nobody outside its process.
"""

from dataclasses import dataclass, field

from redis.exceptions import RedisError

from infra.stripe.guard.bucket import LocalBucket, Pace, Turn


@dataclass
class ManualClock:
    """Time stands still until it is moved."""

    now: float = 0.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


@dataclass
class MemoryBucket:
    """A `SharedBucket` that remembers what it was asked. `turns` are given instead of its own, the first one first."""

    pace: Pace
    clock: ManualClock = field(default_factory=ManualClock)
    turns: list[Turn] = field(default_factory=list)
    away: bool = False
    asked: int = 0
    successes: list[int] = field(default_factory=list)
    cuts: int = 0

    def __post_init__(self) -> None:
        self._bucket = LocalBucket(self.pace)

    @property
    def rate(self) -> float:
        """The rate now, as exactly as Redis tells it."""
        return round(self._bucket.rate, 3)

    async def take(self, *, successes: int) -> Turn:
        """Ask for a turn, and report how many calls went well since the last time."""
        self._ask()
        self.successes.append(successes)
        if self.turns:
            return self.turns.pop(0)
        turn = self._bucket.take(self.clock.now, successes=successes)
        return Turn(granted=turn.granted, wait_s=turn.wait_s, rate=self.rate)

    async def cut(self) -> float:
        """Halve the rate, unless that was just done; return it."""
        self._ask()
        self.cuts += 1
        self._bucket.cut(self.clock.now)
        return self.rate

    def _ask(self) -> None:
        self.asked += 1
        if self.away:
            raise RedisError

"""A token bucket, told by the moment at which it is full again (GCRA).

That is one number: what others took is added to it, and time alone fills the bucket.
"""

import math
from dataclasses import dataclass

_ROUNDING = 1e-6  # of a token: sums of fractions are not exact


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketRules:
    """`rate` tokens a second, and as many at once as come in `burst_s`."""

    rate: int
    burst_s: int

    @property
    def capacity(self) -> int:
        """How many tokens a full bucket has."""
        return self.rate * self.burst_s


class Bucket:
    """What a process knows of one bucket. Moments are in seconds of a clock that does not go back."""

    __slots__ = ("_full_at", "_rules", "unreported")

    def __init__(self, rules: BucketRules, now: float) -> None:
        self._rules = rules
        self._full_at = now
        self.unreported = 0
        """What was taken here and nobody else knows of."""

    def take(self, now: float) -> bool:
        """Take a token, if there is one."""
        full_at = max(self._full_at, now)
        if self._rules.capacity - (full_at - now) * self._rules.rate < 1 - _ROUNDING:
            return False
        self._full_at = full_at + 1 / self._rules.rate
        self.unreported += 1
        return True

    def adjust(self, now: float, *, full_in_s: float, taken_meanwhile: int) -> None:
        """Take over when the shared bucket is full again, which does not know what was taken meanwhile."""
        self._full_at = now + full_in_s + taken_meanwhile / self._rules.rate

    def remaining(self, now: float) -> int:
        """Return how many tokens are there."""
        return max(0, math.floor(self._rules.capacity - self.full_in_s(now) * self._rules.rate + _ROUNDING))

    def full_in_s(self, now: float) -> float:
        """Return how long until it is full."""
        return max(0.0, self._full_at - now)

    def next_in_s(self, now: float) -> float:
        """Return how long until there is a token."""
        return max(0.0, self.full_in_s(now) - (self._rules.capacity - 1) / self._rules.rate)

"""A token bucket whose rate adapts: halved when Stripe says 429, raised slowly by calls that went well (AIMD).

Turns are reserved: who asks is told when its turn is, at most `ahead_s` from now, and so needs not ask again and again.
"""

from dataclasses import dataclass
from typing import Protocol

_LOWEST = 1 / 20
_RAISED_WITHIN_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """The numbers of a bucket that keeps to `limit` calls in any second. Rates are in calls a second."""

    limit: float
    burst_s: float = 0.1
    """So much unused time is saved up."""
    ahead_s: float = 0.25
    hold_s: float = 5.0
    """After a cut, no success counts for so long."""
    cuts_apart_s: float = 1.0
    """The 429s that come within this time of a cut are about the same excess."""

    @property
    def highest(self) -> float:
        """The steady rate: with it and a burst, no second holds more than `limit` calls."""
        return (self.limit - 1) / (1 + self.burst_s)

    @property
    def lowest(self) -> float:
        """What 429s never lower it below."""
        return self.highest * _LOWEST

    @property
    def faster(self) -> float:
        """By how much a second of successes raises the rate: from nothing to the highest in a minute."""
        return self.highest / _RAISED_WITHIN_S

    def share(self, processes: int) -> "Pace":
        """Return the pace of one of several processes that do not know of each other."""
        return Pace(
            limit=1 + (self.limit - 1) / processes,
            burst_s=self.burst_s,
            ahead_s=self.ahead_s,
            hold_s=self.hold_s,
            cuts_apart_s=self.cuts_apart_s,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """`granted`: wait `wait_s` and call. Else it is worth asking again after `wait_s`. `rate` is the rate now."""

    granted: bool
    wait_s: float
    rate: float


class SharedBucket(Protocol):
    """A bucket for all processes. Its methods raise RedisError or OSError when it is away."""

    async def take(self, *, successes: int) -> Turn:
        """Ask for a turn, and report how many calls went well since the last time."""

    async def cut(self) -> float:
        """Halve the rate, unless that was just done; return it."""


class LocalBucket:
    """A bucket of this process alone. Its arithmetic is that of take.lua and cut.lua."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self.rate = pace.highest
        self._next_at = float("-inf")
        self._cut_at = float("-inf")

    def take(self, now: float, *, successes: int) -> Turn:
        """Ask for a turn at the moment `now`, in seconds of a clock that does not go back."""
        pace = self._pace
        if now - self._cut_at >= pace.hold_s:
            self.rate = min(pace.highest, self.rate + pace.faster * min(1.0, successes / self.rate))
        turn = max(self._next_at, now - pace.burst_s)
        if turn > now + pace.ahead_s:
            return Turn(granted=False, wait_s=turn - now - pace.ahead_s, rate=self.rate)
        self._next_at = turn + 1 / self.rate
        return Turn(granted=True, wait_s=max(0.0, turn - now), rate=self.rate)

    def cut(self, now: float) -> float:
        """Halve the rate, unless that was just done; return it."""
        if now - self._cut_at >= self._pace.cuts_apart_s:
            self.start_with(self.rate / 2)
            self._cut_at = now
        return self.rate

    def start_with(self, rate: float) -> None:
        """Go on with another rate, within what the pace allows."""
        self.rate = max(self._pace.lowest, min(self._pace.highest, rate))

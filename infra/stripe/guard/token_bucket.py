"""A token bucket whose rate adapts: halved when Stripe says 429, raised slowly by calls that went well (AIMD).

Calls are reserved ahead: a caller learns how long to wait, at most `longest_wait_s`, and need not ask again.
"""

from dataclasses import dataclass
from typing import Protocol

_LOWEST = 1 / 20
_RAISED_WITHIN_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenBucketRules:
    """The numbers of a bucket that keeps to `limit` calls in any second. Rates are in calls a second."""

    limit: float
    burst_s: float = 0.1
    """So much unused time is saved up."""
    longest_wait_s: float = 0.25
    hold_after_halving_s: float = 5.0
    """After the rate was halved, no success counts for so long."""
    halvings_apart_s: float = 1.0
    """The 429s that come within this time of a halving are about the same excess."""

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

    def share(self, processes: int) -> "TokenBucketRules":
        """Return the rules of one of several processes that do not know of each other."""
        return TokenBucketRules(
            limit=1 + (self.limit - 1) / processes,
            burst_s=self.burst_s,
            longest_wait_s=self.longest_wait_s,
            hold_after_halving_s=self.hold_after_halving_s,
            halvings_apart_s=self.halvings_apart_s,
        )

    def part(self, part: float) -> "TokenBucketRules":
        """Return the rules of what may take such a part of the steady rate at most, and saves nothing up."""
        return TokenBucketRules(limit=1 + self.highest * part, burst_s=0.0, longest_wait_s=self.longest_wait_s)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reservation:
    """`granted`: wait `wait_s` and call. Else it is worth asking again after `wait_s`. `rate` is the rate now.

    `later_s`: the waits of more calls that were reserved, each as long as that before or longer.
    """

    granted: bool
    wait_s: float
    rate: float
    later_s: tuple[float, ...] = ()


class SharedTokenBucket(Protocol):
    """A bucket for all processes. Its methods raise RedisError or OSError when it is away."""

    async def reserve(self, *, successes: int, calls: int = 1) -> Reservation:
        """Reserve up to so many calls, and report how many went well since the last time."""

    async def halve_rate(self) -> float:
        """Halve the rate, unless that was just done; return it."""


class LocalTokenBucket:
    """A bucket of this process alone, with the arithmetic of reserve.lua and halve_rate.lua."""

    def __init__(self, rules: TokenBucketRules) -> None:
        self._rules = rules
        self.rate = rules.highest
        self._next_at = float("-inf")
        self._halved_at = float("-inf")

    def reserve(self, now: float, *, successes: int, calls: int = 1) -> Reservation:
        """Reserve up to so many calls at the moment `now`, in seconds of a clock that does not go back."""
        rules = self._rules
        if now - self._halved_at >= rules.hold_after_halving_s:
            self.rate = min(rules.highest, self.rate + rules.faster * min(1.0, successes / self.rate))
        self._next_at = max(self._next_at, now - rules.burst_s)
        waits = list[float]()
        while len(waits) < calls and self._next_at <= now + rules.longest_wait_s:
            waits.append(max(0.0, self._next_at - now))
            self._next_at += 1 / self.rate
        if not waits:
            return Reservation(granted=False, wait_s=self._next_at - now - rules.longest_wait_s, rate=self.rate)
        return Reservation(granted=True, wait_s=waits[0], rate=self.rate, later_s=tuple(waits[1:]))

    def halve_rate(self, now: float) -> float:
        """Halve the rate, unless that was just done; return it."""
        if now - self._halved_at >= self._rules.halvings_apart_s:
            self.start_with(self.rate / 2)
            self._halved_at = now
        return self.rate

    def start_with(self, rate: float) -> None:
        """Go on with another rate, within what the rules allow."""
        self.rate = max(self._rules.lowest, min(self._rules.highest, rate))

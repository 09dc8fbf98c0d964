"""The bucket that all processes share, in Redis and by its clock."""

from pathlib import Path

from redis.asyncio import Redis

from infra.stripe.guard.token_bucket import Reservation, TokenBucketRules

_FOLDER = Path(__file__).parent
_RESERVE, _HALVE_RATE = ((_FOLDER / f"{name}.lua").read_text(encoding="utf-8") for name in ("reserve", "halve_rate"))
_US = 1_000_000


class RedisTokenBucket:
    """A `SharedTokenBucket` named `name`. Redis may forget it: it is then full, at its highest rate."""

    def __init__(self, redis: Redis, name: str, rules: TokenBucketRules) -> None:
        self._rules = rules
        self._key = f"paystream:rate:{name}"
        self._reserve = redis.register_script(_RESERVE)
        self._halve_rate = redis.register_script(_HALVE_RATE)

    async def reserve(self, *, successes: int, calls: int = 1) -> Reservation:
        """Reserve up to so many calls, and report how many went well since the last time."""
        rules = self._rules
        granted, wait_us, rate, *later_us = await self._reserve(
            [self._key],
            [
                rules.highest,
                rules.lowest,
                rules.faster,
                successes,
                round(rules.hold_after_halving_s * _US),
                round(rules.burst_s * _US),
                round(rules.longest_wait_s * _US),
                calls,
            ],
        )
        later_s = tuple(each / _US for each in later_us)
        return Reservation(granted=granted == 1, wait_s=wait_us / _US, rate=rate / 1000, later_s=later_s)

    async def halve_rate(self) -> float:
        """Halve the rate, unless that was just done; return it."""
        rules = self._rules
        rate = await self._halve_rate([self._key], [rules.highest, rules.lowest, round(rules.halvings_apart_s * _US)])
        return float(rate) / 1000

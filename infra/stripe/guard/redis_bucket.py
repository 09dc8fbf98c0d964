"""The bucket that all processes share, in Redis and by its clock."""

from pathlib import Path

from redis.asyncio import Redis

from infra.stripe.guard.bucket import Pace, Turn

_FOLDER = Path(__file__).parent
_TAKE, _CUT = ((_FOLDER / f"{name}.lua").read_text(encoding="utf-8") for name in ("take", "cut"))
_US = 1_000_000


class RedisBucket:
    """A `SharedBucket` named `name`. Redis may forget it: it is then full, at its highest rate."""

    def __init__(self, redis: Redis, name: str, pace: Pace) -> None:
        self._pace = pace
        self._key = f"paystream:rate:{name}"
        self._take = redis.register_script(_TAKE)
        self._cut = redis.register_script(_CUT)

    async def take(self, *, successes: int) -> Turn:
        """Ask for a turn, and report how many calls went well since the last time."""
        pace = self._pace
        granted, wait_us, rate = await self._take(
            [self._key],
            [
                pace.highest,
                pace.lowest,
                pace.faster,
                successes,
                round(pace.hold_s * _US),
                round(pace.burst_s * _US),
                round(pace.ahead_s * _US),
            ],
        )
        return Turn(granted=granted == 1, wait_s=wait_us / _US, rate=rate / 1000)

    async def cut(self) -> float:
        """Halve the rate, unless that was just done; return it."""
        pace = self._pace
        rate = await self._cut([self._key], [pace.highest, pace.lowest, round(pace.cuts_apart_s * _US)])
        return float(rate) / 1000

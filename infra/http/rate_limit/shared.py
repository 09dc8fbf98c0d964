"""The buckets that all processes share, in Redis and by its clock."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

from redis.asyncio import Redis

_DEDUCT = Path(__file__).with_name("deduct.lua").read_text(encoding="utf-8")
_KEY = "paystream:requests:"


class SharedBuckets(Protocol):
    """Raises RedisError or OSError when it is away."""

    async def deduct(self, taken: Mapping[str, tuple[int, int]]) -> Sequence[float]:
        """Take out of each bucket (by name: how many tokens, and its rate); return in how many seconds each is full."""


class RedisBuckets:
    """`SharedBuckets` in Redis 7 or Valkey, which may forget them: they are full then."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def deduct(self, taken: Mapping[str, tuple[int, int]]) -> Sequence[float]:
        """Deduct from all of them in one round trip."""
        pipeline = self._redis.pipeline(transaction=False)
        for name, (tokens, rate) in taken.items():
            pipeline.eval(_DEDUCT, 1, _KEY + name, tokens, rate)
        return [each / 1_000_000 for each in cast("list[int]", await pipeline.execute())]

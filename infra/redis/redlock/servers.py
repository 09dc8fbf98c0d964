"""One lock server: an independent Redis or Valkey that votes. What it does not answer in time is no vote."""

import asyncio
from collections.abc import Coroutine, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from infra.redis.redlock import metrics

_FOLDER = Path(__file__).parent
_ACQUIRE, _EXTEND, _RELEASE = (
    (_FOLDER / f"{name}.lua").read_text(encoding="utf-8") for name in ("acquire", "extend", "release")
)
_PREFIX = "paystream:lock:"

Answer = TypeVar("Answer")


class Vote(StrEnum):
    """What a server says. YOUNG: it was started so lately that it may have lost keys. AWAY: nothing, in time."""

    GRANTED = "granted"
    TAKEN = "taken"
    MISSING = "missing"
    YOUNG = "young"
    AWAY = "away"


class Server(Protocol):
    """What the algorithm needs of a server. No method raises for a server that is away."""

    timeout_s: float

    async def acquire(self, name: str, token: str, *, ttl_ms: int, least_uptime_s: int) -> Vote:
        """Set the key if it is free: GRANTED, TAKEN, YOUNG or AWAY."""

    async def extend(self, name: str, token: str, *, ttl_ms: int) -> Vote:
        """Let the key live longer if it is ours: GRANTED, TAKEN, AWAY, or MISSING, and then it is set again."""

    async def release(self, name: str, token: str) -> None:
        """Remove the key if it is ours."""


async def ask_all(questions: Iterable[Coroutine[None, None, Answer]]) -> list[Answer]:
    """Ask every server at the same time; if the caller is cancelled, wait for the answers all the same.

    A request that is cut off can still reach its server, and after the next one: a lock would be taken that was just
    released. The wait is short, as every server has its time-out.
    """
    asking = asyncio.gather(*questions)
    try:
        return await asyncio.shield(asking)
    except asyncio.CancelledError:
        await asyncio.wait({asking})
        raise


class RedisServer:
    """A `Server` in Redis 7 or Valkey: a primary of its own, not a replica, a cluster or a sentinel's group.

    A replica that takes over may not have the key: one server's failover could give a lock away.
    """

    def __init__(self, redis: Redis, *, address: str, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._redis = redis
        self._errors = metrics.SERVER_ERRORS.labels(address)

    async def acquire(self, name: str, token: str, *, ttl_ms: int, least_uptime_s: int) -> Vote:
        """Set the key if it is free."""
        return await self._vote(_ACQUIRE, name, token, ttl_ms, least_uptime_s)

    async def extend(self, name: str, token: str, *, ttl_ms: int) -> Vote:
        """Let the key live longer if it is ours, and set it again if it is gone."""
        return await self._vote(_EXTEND, name, token, ttl_ms)

    async def release(self, name: str, token: str) -> None:
        """Remove the key if it is ours. If the server does not answer, the key expires."""
        await self._ask(_RELEASE, name, token)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _vote(self, script: str, *words: str | int) -> Vote:
        answer = await self._ask(script, *words)
        return Vote(answer.decode()) if isinstance(answer, bytes) else Vote.AWAY

    async def _ask(self, script: str, name: str | int, *words: str | int) -> object:
        """Return the script's answer, or None when there is none in time."""
        try:
            async with asyncio.timeout(self.timeout_s):
                # The whole script each time: a server that was restarted knows none, and locks are few.
                return await self._redis.eval(script, 1, f"{_PREFIX}{name}", *words)
        except (RedisError, OSError):  # TimeoutError is an OSError
            self._errors.inc()
            return None

"""The fast path of idempotency: answers kept in Redis, and a marker while a key's first request is carried out.

Redis may forget everything or be away: PostgreSQL decides, and this only spares it work. A Redis that does not answer
is left alone for a second at a time, so that it does not slow every request down.
"""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, cast

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from command_api.payments.metrics import REDIS_UNAVAILABLE
from event_store.appends import StoredResponse
from event_store.group_commit import Batcher

log = structlog.get_logger(__name__)

RESPONSE_TTL_MS = 24 * 60 * 60 * 1000
MARKER_TTL_MS = 30_000
"""A process that dies in the middle of a command holds up its key for this long."""
LEFT_ALONE_S = 1.0
NAMES = "paystream:idempotency:"
_MAX_PIPELINES = 2

_MARKER, _ANSWER = b"?", b"="
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyClaim:
    """The right to carry out a key's command.

    Without a `token` Redis was away, and PostgreSQL alone tells who is first.
    """

    name: str
    token: bytes | None


@dataclass(frozen=True, kw_only=True, slots=True)
class InFlight:
    """Another request with this key is being carried out, or died within the last 30 s."""


_UNKNOWN_LOG = KeyClaim(name="", token=None)


class ResponseCache(Protocol):
    """Remembers answers by merchant and key. Never raises: it is an optimisation."""

    async def claim(self, merchant_id: str, key: str) -> "KeyClaim | InFlight | StoredResponse":
        """Take the key, unless it is taken or its answer is known."""

    async def store(self, claim: KeyClaim, answer: StoredResponse) -> None:
        """Remember the answer, which must be committed. This ends the claim."""

    async def release(self, claim: KeyClaim) -> None:
        """Give the key back, for nothing was recorded under it."""


class RedisResponseCache:
    """An `ResponseCache` in Redis 7 or Valkey: one value per key, a marker first and then the answer.

    Commands that wait at the same moment go in one pipeline, which costs a fraction of sending each by itself.
    `timeout_s` bounds each round trip.
    """

    def __init__(self, redis: Redis, *, timeout_s: float, epoch: Callable[[], int | None]) -> None:
        """`epoch` is that of the log: what was answered for in another one may be lost. None: Redis is not asked."""
        self._redis = redis
        self._epoch = epoch
        self._timeout_s = timeout_s
        self._left_alone_until = 0.0
        self._away = False
        self._commands = Batcher[_Command, object](self._send, key=id, max_in_flight=_MAX_PIPELINES)

    async def claim(self, merchant_id: str, key: str) -> KeyClaim | InFlight | StoredResponse:
        """Take the key with SET NX; the same command tells what is there already."""
        epoch = self._epoch()
        if epoch is None:
            return _UNKNOWN_LOG
        name = _name(epoch, merchant_id, key)
        token = _MARKER + secrets.token_hex(16).encode()
        try:
            found = await self._ask("SET", name, token, "NX", "GET", "PX", MARKER_TTL_MS)
        except _Away:
            return KeyClaim(name=name, token=None)
        if found is None:
            return KeyClaim(name=name, token=token)
        return read_response(name, cast("bytes", found)) or InFlight()

    async def store(self, claim: KeyClaim, answer: StoredResponse) -> None:
        """Overwrite whatever is there: what is committed is the truth, whoever holds the marker."""
        if claim is _UNKNOWN_LOG or answer.response is None:
            return
        document = [claim.name, answer.fingerprint, answer.status, answer.position, answer.response.decode()]
        with suppress(_Away):
            await self._ask("SET", claim.name, _ANSWER + orjson.dumps(document), "PX", RESPONSE_TTL_MS)

    async def release(self, claim: KeyClaim) -> None:
        """Remove the marker if it is still ours: it may have expired and be another's by now."""
        if claim.token is not None:
            with suppress(_Away):
                await self._ask("EVAL", _RELEASE, 1, claim.name, claim.token)

    async def _ask(self, *words: bytes | str | int) -> object:
        """Raise _Away when Redis is left alone, fails or is slow."""
        try:
            answer = await self._commands.submit(_Command(words))
        except _Away:
            REDIS_UNAVAILABLE.inc()
            raise
        if isinstance(answer, RedisError):
            REDIS_UNAVAILABLE.inc()
            raise self._leave_alone(answer)
        return answer

    async def _send(self, commands: Sequence["_Command"]) -> Sequence[object]:
        now = time.monotonic()
        if now < self._left_alone_until:
            raise _Away
        if self._away:
            self._left_alone_until = now + LEFT_ALONE_S  # this one tries it out, the others go without meanwhile
        pipeline = self._redis.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command.words, get=True)  # get: the answer of SET as it comes, not as a bool
        try:
            async with asyncio.timeout(self._timeout_s):
                answers = await pipeline.execute(raise_on_error=False)
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            raise self._leave_alone(error) from None
        if self._away:
            log.info("idempotency_cache_back")
        self._away, self._left_alone_until = False, 0.0
        return cast("list[object]", answers)

    def _leave_alone(self, error: Exception) -> "_Away":
        if not self._away:
            log.warning("idempotency_cache_away", error=type(error).__name__)
        self._away = True
        self._left_alone_until = time.monotonic() + LEFT_ALONE_S
        return _Away()


@dataclass(frozen=True, slots=True, eq=False)
class _Command:
    words: tuple[bytes | str | int, ...]


class _Away(Exception):
    """Redis is of no use now."""


def _name(epoch: int, merchant_id: str, key: str) -> str:
    # Hashed, because a key may hold anything and names show up in Redis' own logs.
    digest = hashlib.sha256(f"{len(merchant_id)}:{merchant_id}:{key}".encode()).hexdigest()
    return f"{NAMES}{epoch}:{digest}"


def read_response(name: str, found: bytes) -> StoredResponse | None:
    """Read a kept answer; None when `found` is a marker.

    The answer names its key. One that belongs to another key, as a mixed-up connection would deliver it, is not
    believed: the next step is then to ask PostgreSQL.
    """
    if not found.startswith(_ANSWER):
        return None
    kept_name, fingerprint, status, position, response = orjson.loads(found[1:])
    if kept_name != name:
        return None
    return StoredResponse(fingerprint=fingerprint, status=status, response=response.encode(), position=position)

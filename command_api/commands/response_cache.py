"""The fast path of idempotency: responses in Redis, and a marker while a key's first request is carried out.

Redis may lose everything or be unavailable: PostgreSQL decides, and this only saves it work. A Redis that does not
respond is bypassed for a second at a time, so that it does not slow every request down.
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

from command_api.commands.metrics import REDIS_UNAVAILABLE
from domain.ids import MerchantId
from event_store.appends import StoredResponse
from event_store.group_commit import Batcher
from infra.process.pacing import Pacing

log = structlog.get_logger(__name__)

RESPONSE_TTL_MS = 24 * 60 * 60 * 1000
MARKER_TTL_MS = 30_000
"""A process that dies during a command blocks its key for this long."""
BYPASS_S = 1.0
KEY_PREFIX = "paystream:idempotency:"
_MAX_PIPELINES = 2
_STORE_EVERY_S = 0.05  # nobody waits for it

_MARKER, _RESPONSE = b"?", b"="
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyClaim:
    """The right to carry out a key's command.

    Without a `token`, Redis was unavailable, and PostgreSQL alone decides which request is first.
    """

    name: str
    token: bytes | None


@dataclass(frozen=True, kw_only=True, slots=True)
class InFlight:
    """Another request with this key is being carried out, or died within the last 30 s."""


_UNKNOWN_LOG = KeyClaim(name="", token=None)


class ResponseCache(Protocol):
    """Stores responses by merchant and key. Never raises: it is an optimisation."""

    async def claim(self, merchant_id: MerchantId, key: str) -> "KeyClaim | InFlight | StoredResponse":
        """Take the key, unless it is taken or its response is known."""

    async def store(self, claim: KeyClaim, response: StoredResponse) -> None:
        """Store the response, which must be committed. This ends the claim."""

    async def release(self, claim: KeyClaim) -> None:
        """Release the key: nothing was recorded under it."""


class RedisResponseCache:
    """A `ResponseCache` in Redis 7 or Valkey: one value per key, a marker first and then the response.

    Commands that wait at the same moment go in one pipeline, which costs a fraction of sending each by itself.
    `timeout_s` bounds each round trip.
    """

    def __init__(self, redis: Redis, *, timeout_s: float, epoch: Callable[[], int | None]) -> None:
        """`epoch` is that of the log: what was stored in another one may be lost. None: Redis is bypassed."""
        self._redis = redis
        self._epoch = epoch
        self._timeout_s = timeout_s
        self._bypassed_until = 0.0
        self._is_unavailable = False
        self._commands = Batcher[_Command, object](self._send, key=id, max_in_flight=_MAX_PIPELINES)
        self._stores = Batcher[_Command, object](self._send, key=id, pacing=Pacing(_STORE_EVERY_S))

    async def claim(self, merchant_id: MerchantId, key: str) -> KeyClaim | InFlight | StoredResponse:
        """Take the key with SET NX; the same command returns what is there already."""
        epoch = self._epoch()
        if epoch is None:
            return _UNKNOWN_LOG
        name = _name(epoch, merchant_id, key)
        token = _MARKER + secrets.token_hex(16).encode()
        try:
            found = await self._execute("SET", name, token, "NX", "GET", "PX", MARKER_TTL_MS)
        except _Unavailable:
            return KeyClaim(name=name, token=None)
        if found is None:
            return KeyClaim(name=name, token=token)
        return read_response(name, cast("bytes", found)) or InFlight()

    async def store(self, claim: KeyClaim, response: StoredResponse) -> None:
        """Overwrite what is there: what is committed counts, no matter which process holds the marker."""
        if claim is _UNKNOWN_LOG or response.response is None:
            return
        document = [claim.name, response.fingerprint, response.status, response.position, response.response.decode()]
        with suppress(_Unavailable):
            arguments = ("SET", claim.name, _RESPONSE + orjson.dumps(document), "PX", RESPONSE_TTL_MS)
            await self._execute(*arguments, batcher=self._stores)

    async def release(self, claim: KeyClaim) -> None:
        """Remove the marker if it is still ours: it may have expired and be another's by now."""
        if claim.token is not None:
            with suppress(_Unavailable):
                await self._execute("EVAL", _RELEASE, 1, claim.name, claim.token)

    async def _execute(
        self, *arguments: bytes | str | int, batcher: "Batcher[_Command, object] | None" = None
    ) -> object:
        """Execute a command. Raises _Unavailable when Redis is bypassed, fails or is slow."""
        try:
            response = await (batcher or self._commands).submit(_Command(arguments))
        except _Unavailable:
            REDIS_UNAVAILABLE.inc()
            raise
        if isinstance(response, RedisError):
            REDIS_UNAVAILABLE.inc()
            raise self._bypass(response)
        return response

    async def _send(self, commands: Sequence["_Command"]) -> Sequence[object]:
        now = time.monotonic()
        if now < self._bypassed_until:
            raise _Unavailable
        if self._is_unavailable:
            self._bypassed_until = now + BYPASS_S  # this one tries Redis again, the others go on without it
        pipeline = self._redis.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command.arguments, get=True)  # get: the response to SET as it is, not as a bool
        try:
            async with asyncio.timeout(self._timeout_s):
                responses = await pipeline.execute(raise_on_error=False)
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            raise self._bypass(error) from None
        if self._is_unavailable:
            log.info("idempotency_cache_back")
        self._is_unavailable, self._bypassed_until = False, 0.0
        return cast("list[object]", responses)

    def _bypass(self, error: Exception) -> "_Unavailable":
        if not self._is_unavailable:
            log.warning("idempotency_cache_away", error=type(error).__name__)
        self._is_unavailable = True
        self._bypassed_until = time.monotonic() + BYPASS_S
        return _Unavailable()


@dataclass(frozen=True, slots=True, eq=False)
class _Command:
    arguments: tuple[bytes | str | int, ...]


class _Unavailable(Exception):
    """Redis cannot be used now."""


def _name(epoch: int, merchant_id: MerchantId, key: str) -> str:
    # Hashed, because a key may hold anything and names show up in Redis' own logs.
    digest = hashlib.sha256(f"{len(merchant_id)}:{merchant_id}:{key}".encode()).hexdigest()
    return f"{KEY_PREFIX}{epoch}:{digest}"


def read_response(name: str, found: bytes) -> StoredResponse | None:
    """Read a stored response; None when `found` is a marker.

    The response names its key. One of another key, as a mixed-up connection would deliver it, is ignored: PostgreSQL
    is read then.
    """
    if not found.startswith(_RESPONSE):
        return None
    stored_name, fingerprint, status, position, response = orjson.loads(found[1:])
    if stored_name != name:
        return None
    return StoredResponse(fingerprint=fingerprint, status=status, response=response.encode(), position=position)

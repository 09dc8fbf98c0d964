"""What Redis still knows of commands that were answered: a trace of those that PostgreSQL lost."""

from collections.abc import Sequence
from uuid import UUID

import orjson

from command_api.payments.response_cache import NAMES, read_response
from event_store.recovery.traces import Trace
from infra.redis.client import create_redis
from infra.settings.redis import RedisSettings

_PAGE = 1000


class CachedResponses:
    """Reads every answer that is kept, of each epoch: for a day after it was given."""

    async def traces(self, settings: RedisSettings) -> Sequence[Trace]:
        """Return the payments that were answered for, each with the position that its command reached."""
        redis = create_redis(settings)
        found: list[Trace] = []
        try:
            names: list[bytes] = []
            async for name in redis.scan_iter(match=f"{NAMES}*", count=_PAGE):
                names.append(name)
                if len(names) == _PAGE:
                    found += _traces(names, await redis.mget(names))
                    names = []
            return found + _traces(names, await redis.mget(names) if names else [])
        finally:
            await redis.aclose()


def _traces(names: Sequence[bytes], values: Sequence[bytes | str | None]) -> list[Trace]:
    traces = []
    for name, value in zip(names, values, strict=True):
        answer = read_response(name.decode(), value) if isinstance(value, bytes) else None
        if answer is None or answer.response is None:
            continue
        body = orjson.loads(answer.response)
        payment_id = body.get("payment_id") or body.get("id")
        where = f"Redis: it was answered with {answer.status}"
        traces.append(Trace(payment_id=UUID(payment_id), position=answer.position, where=where))
    return traces

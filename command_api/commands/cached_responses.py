"""Finds in Redis what commands got as a response, by the payment or split payment: traces of what the log may lack."""

from collections.abc import Sequence
from uuid import UUID

import orjson

from command_api.commands.response_cache import KEY_PREFIX, read_response
from domain.ids import PaymentId
from event_store.recovery.traces import Trace
from infra.redis.client import create_redis
from infra.settings.redis import RedisSettings

_PAGE = 1000


class CachedResponses:
    """Reads every stored response, of each epoch: they are kept for a day."""

    async def traces(self, settings: RedisSettings) -> Sequence[Trace]:
        """Return the payments of the responses, each with the position that its command reached."""
        redis = create_redis(settings)
        found: list[Trace] = []
        try:
            names: list[bytes] = []
            async for name in redis.scan_iter(match=f"{KEY_PREFIX}*", count=_PAGE):
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
        response = read_response(name.decode(), value) if isinstance(value, bytes) else None
        if response is None or response.response is None:
            continue
        body = orjson.loads(response.response)
        payment_id = body.get("payment_id") or body.get("split_payment_id") or body.get("id")
        where = f"Redis: the response was {response.status}"
        traces.append(Trace(payment_id=PaymentId(UUID(payment_id)), position=response.position, where=where))
    return traces

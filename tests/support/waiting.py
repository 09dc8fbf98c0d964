"""Waiting for a condition, never for a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
import psycopg
from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException

Value = TypeVar("Value")

_NOT_YET = (OSError, TimeoutError, httpx.TransportError, psycopg.OperationalError, KafkaError, KafkaException)
_LAST_PROBE_S = 10.0


async def answered(send: Callable[[], Awaitable[httpx.Response]], *, within: float = 60.0) -> httpx.Response:
    """Send the same again, with the same key, until the answer is not "ask again", as a client has to.

    That is 503 and, after a time-out, the 409 which says that the first request is still under way.
    """
    return await eventually(send, lambda answer: not _says_again(answer), within=within, every=0.2)


def _says_again(answer: httpx.Response) -> bool:
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return True
    return answer.status_code == httpx.codes.CONFLICT and answer.json()["code"] == "idempotency_key_in_use"


async def eventually(
    probe: Callable[[], Awaitable[Value]],
    until: Callable[[Value], bool] = bool,
    *,
    within: float = 30.0,
    every: float = 0.05,
) -> Value:
    """Return the first value of `probe` that satisfies `until`; fail with the last one after `within` seconds.

    A connection that is refused, lost or too slow means "not yet"; any other error of the probe is the test's. The last
    probe, begun in time, may end a little later; one that hangs is given up.
    """
    deadline = time.monotonic() + within
    seen: object = "nothing"
    error: Exception | None = None
    while True:
        try:
            async with asyncio.timeout(max(deadline - time.monotonic(), 0) + _LAST_PROBE_S):
                value = await probe()
        except _NOT_YET as failed:
            error, seen = failed, repr(failed)
        else:
            if until(value):
                return value
            error, seen = None, repr(value)
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s; last seen: {seen}") from error
        await asyncio.sleep(every)

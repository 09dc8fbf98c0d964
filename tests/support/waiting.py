"""Waiting for a condition, never for a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Value = TypeVar("Value")


async def eventually(
    probe: Callable[[], Awaitable[Value]],
    until: Callable[[Value], bool] = bool,
    *,
    within: float = 15.0,
    every: float = 0.05,
) -> Value:
    """Return the first value of `probe` that satisfies `until`; fail with the last one after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        value = await probe()
        if until(value):
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s; last seen: {value!r}")
        await asyncio.sleep(every)

"""Watches what waits to be published, also while Kafka is away and the relay itself can do nothing."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from event_store.relay import metrics
from event_store.store import QUERIES
from infra.errors import Unavailable
from infra.postgres import Pool

_EVERY_S = 1.0


async def watch_queue(pool: Pool, position: Callable[[], int | None], stop: asyncio.Event) -> None:
    """Set the gauges of the outbox once a second until `stop`; nothing is shown while the position is unknown."""
    while not stop.is_set():
        cursor = position()
        if cursor is not None:
            with suppress(Unavailable):
                await _show(pool, cursor)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _EVERY_S)


async def _show(pool: Pool, cursor: int) -> None:
    async with pool.connection() as connection:
        row = await (await connection.execute(QUERIES["queue"], {"cursor": cursor})).fetchone()
    assert row is not None
    depth, oldest = row
    metrics.QUEUE_DEPTH.set(depth)
    metrics.OLDEST_AGE.set((datetime.now(UTC) - oldest).total_seconds() if oldest else 0)

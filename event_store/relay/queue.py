"""Watches what waits to be published, also while Kafka is away and the relay itself can do nothing."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from event_store.relay import metrics
from event_store.relay.shard import Shard
from event_store.store import QUERIES, Connection
from infra.errors import Unavailable
from infra.postgres.pool import Pool
from infra.process.waiting import wait_for_event

_EVERY_S = 1.0


async def watch_queue(pool: Pool, shard: Shard, position: Callable[[], int | None], stop: asyncio.Event) -> None:
    """Set the gauges of the outbox once a second until `stop`.

    `position` says how far the relay has published, or None while it does not publish. Then its last
    position in PostgreSQL counts: a standby, or a relay that starts while Kafka is away, shows the queue as well.
    """
    while not stop.is_set():
        with suppress(Unavailable):
            async with pool.connection() as connection:
                await show_queue(connection, shard, position())
        await wait_for_event(stop, timeout_s=_EVERY_S)


async def show_queue(connection: Connection, shard: Shard, position: int | None) -> None:
    """Measure the queue behind `position` (None: the relay's last position in PostgreSQL)."""
    cursor = position
    if cursor is None:
        row = await (await connection.execute(QUERIES["relay_position"], {"shard": str(shard)})).fetchone()
        cursor = row[0] if row else 0
    row = await (await connection.execute(QUERIES["queue"], {"cursor": cursor})).fetchone()
    assert row is not None
    depth, oldest = row
    metrics.QUEUE_DEPTH.set(depth)
    metrics.OLDEST_AGE.set((datetime.now(UTC) - oldest).total_seconds() if oldest else 0)

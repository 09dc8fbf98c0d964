"""Shows how far the standbys of PostgreSQL are behind: what a failover may lose, and how old a replica's reads are."""

import asyncio
from collections import defaultdict

import structlog
from psycopg.rows import tuple_row

from event_store.relay import metrics
from event_store.store import QUERIES
from infra.errors import Unavailable
from infra.postgres.pool import Pool
from infra.process.trail import Trail
from infra.process.waiting import wait_for_event

log = structlog.get_logger(__name__)

_EVERY_S = 10.0


class StandbyWatch:
    """Asks the primary. Each relay shows the same: do not add it up."""

    def __init__(self, pool: Pool, *, every_s: float = _EVERY_S) -> None:
        self._pool = pool
        self._every_s = every_s
        self._wal = Trail()
        self._shown: set[str] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Look periodically until `stop`. While the database is away, the last numbers stay."""
        while not stop.is_set():
            try:
                await self.look()
            except Unavailable:
                pass
            except Exception:
                log.exception("standbys_not_seen")
            await wait_for_event(stop, timeout_s=self._every_s)

    async def look(self) -> None:
        """Set the gauges; one that is gone has none any more. Raises Unavailable."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(QUERIES["standbys"])
            rows: list[tuple[str | None, int | None, int | None]] = await cursor.fetchall()
        metrics.STANDBYS.set(len(rows))
        reached = defaultdict[str, list[int]](list)
        for standby, position, end in rows:
            if standby is not None and position is not None and end is not None:
                reached[standby].append(position)
                self._wal.note(end)
        for standby, positions in reached.items():
            self._show(standby, min(positions))
        for standby in self._shown - reached.keys():
            metrics.STANDBY_LAG_BYTES.remove(standby)
            metrics.STANDBY_LAG_SECONDS.remove(standby)
        self._shown = set(reached)

    def _show(self, standby: str, reached: int) -> None:
        assert self._wal.end is not None
        metrics.STANDBY_LAG_BYTES.labels(standby).set(max(0, self._wal.end - reached))
        metrics.STANDBY_LAG_SECONDS.labels(standby).set(self._wal.lacking_s(reached))

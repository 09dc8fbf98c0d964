"""Reads the log in order, the next run already while the present one is on its way to Kafka."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from event_store.store import Connection
from event_store.tail import Tail
from schemas.envelope import RecordedEvent

# A transaction costs some round trips and log writes whatever its size: behind, runs are long. Up to date, what is
# there goes at once.
_SHORT, _LONG = 500, 4000


class Run(NamedTuple):
    """Events in order. With them, everything up to `position` has been read."""

    events: Sequence[RecordedEvent]
    position: int


class Reader:
    """The log behind a position, run by run. The connection may be used by others at the same time."""

    def __init__(self, connection: Connection, position: int) -> None:
        self._connection = connection
        self._tail = Tail(position)
        self._limit = _SHORT
        self._ahead: asyncio.Task[Run] | None = None

    @property
    def waits(self) -> bool:
        """Whether it waits at a gap whose transaction may still be open."""
        return self._tail.waits

    async def next(self) -> Run:
        """Return the next run, without events when there are none. Raises psycopg.Error."""
        limit = self._limit
        run = await (self._ahead or self._read())
        full = len(run.events) >= limit
        self._limit = min(limit * 2, _LONG) if full else _SHORT
        # Only when more is there already: a run read ahead that came back empty would delay what came after.
        self._ahead = asyncio.create_task(self._read()) if full else None
        return run

    async def close(self) -> None:
        """End what is being read ahead."""
        if self._ahead is not None:
            self._ahead.cancel()
            await asyncio.wait({self._ahead})

    async def _read(self) -> Run:
        events = await self._tail.read(self._connection, self._limit)
        return Run(events, self._tail.cursor)

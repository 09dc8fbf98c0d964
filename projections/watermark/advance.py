"""Moves the watermark: past what can never be a payment's event any more, and past those that are applied.

Two things must hold of each position that it passes: it is final (an event that is there, or a gap that is proved
dead), and if a payment's event is there, the read model has it, or it is known not to come (a dead letter). Both are
looked up by position, from the watermark on: what was passed is never read again.
"""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from psycopg.rows import class_row, scalar_row, tuple_row

from event_store.tail import ProvedEnd
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from schemas.topics import PAYMENT

SQL = Queries.load(Path(__file__).with_name("watermark.sql"))
_CHUNK = 5000  # some 15 ms


@dataclass(frozen=True, kw_only=True, slots=True)
class _State:
    epoch: int
    is_open: bool
    position: int
    proved_in: int
    generation: UUID


class Watermark:
    """The watermark, for who moves it. Several may: one of them wins each time, and the others go on from there."""

    def __init__(self, *, partitions: int, chunk: int = _CHUNK) -> None:
        """`partitions`: how many the topic of payments has; `chunk`: how many positions a statement looks at."""
        self._partitions = partitions
        self._chunk = chunk
        self._epoch: int | None = None
        self._end = ProvedEnd()

    @property
    def end(self) -> ProvedEnd:
        """The end of the log, as it was at the last advance."""
        return self._end

    async def advance(self, conn: Connection) -> None:
        """Move it as far as it can be moved now.

        `conn` must be in autocommit, to a primary, and the same each time. Raises psycopg.Error.
        """
        while True:
            state = await self._state(conn)
            if not state.is_open:
                self._epoch, self._end = None, ProvedEnd()
                return
            if (
                state.epoch != self._epoch
            ):  # what was proved in another epoch is void: events may have been written back
                self._epoch, self._end = state.epoch, ProvedEnd()
            begin = state.position if state.proved_in == state.epoch else await self._begin(conn)
            # Before the events are looked up: a proof says nothing of an older snapshot.
            proved = await self._end.prove(conn)
            to, more = await self._walk(conn, begin, proved)
            if (to, state.epoch) != (state.position, state.proved_in):
                await self._move(conn, state, to)
            if not more:
                return

    async def _state(self, conn: Connection) -> _State:
        async with conn.cursor(row_factory=class_row(_State)) as cursor:
            await cursor.execute(SQL.state)
            state = await cursor.fetchone()
        assert state is not None, "the migrations write this row"
        return state

    async def _begin(self, conn: Connection) -> int:
        async with conn.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(SQL.begin, {"partitions": self._partitions, "topic": PAYMENT})
            begin: int | None = await cursor.fetchone()
        assert begin is not None
        return begin

    async def _walk(self, conn: Connection, after: int, proved: int) -> tuple[int, bool]:
        """Return how far one statement's events lead, and whether there are more behind them."""
        async with conn.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(SQL.following, {"after": after, "limit": self._chunk})
            found = await cursor.fetchall()
        for position, is_missing in found:
            if position != after + 1 and position > proved:
                return max(after, proved), False  # who holds the gap may still commit
            if is_missing:
                return position - 1, False
            after = position
        if len(found) == self._chunk:
            return after, True
        return max(after, proved), False

    async def _move(self, conn: Connection, state: _State, to: int) -> None:
        await conn.execute(
            SQL.move,
            {
                "to": to,
                "epoch": state.epoch,
                "generation": state.generation,
                "position": state.position,
                "proved_in": state.proved_in,
            },
        )

"""Reads the log in order without ever losing an event, while others append.

Positions are drawn before their transactions commit, so a reader that simply goes on after the newest position it
saw loses what commits late. This reader emits only the unbroken run after its cursor. Drawing a position takes a lock
on the sequence, which PostgreSQL keeps until the transaction has ended and its rows are visible. So a gap is dead, its
holder has rolled back, when three statements, in this order, show it: one that there is a position above the gap, one
which transactions hold the lock (repeated until none of those of the first time does), and one that the gap is there
still. In one statement the last two would prove nothing: its snapshot may be older than the release that it sees. See
docs/decisions/0005.
"""

from dataclasses import dataclass
from typing import Any

from psycopg.rows import dict_row, scalar_row

from event_store.store import QUERIES, Connection, recorded_event
from schemas.envelope import RecordedEvent

_PREPARED = "-1/"  # a transaction that was prepared for a two-phase commit keeps its locks under a new name


@dataclass(frozen=True, kw_only=True, slots=True)
class _Holders:
    """The transactions that may hold a position up to `covers` which could not be seen yet."""

    transactions: frozenset[str]
    covers: int

    def are_gone(self, holding: frozenset[str]) -> bool:
        """Whether none of them is among those that hold the lock now."""
        return not (self.transactions & holding or any(each.startswith(_PREPARED) for each in holding))


class Tail:
    """A position in the log and the way onward. Not safe for concurrent use; needs a primary, not a standby."""

    def __init__(self, cursor: int = 0) -> None:
        self.cursor = cursor
        """The last position passed: everything up to it was emitted or is proved never to come."""
        self._waiting_for: _Holders | None = None
        self._proved_up_to = 0

    @property
    def waits(self) -> bool:
        """Whether a gap stops it, whose transaction may be open still."""
        return self._waiting_for is not None

    async def read(self, connection: Connection, limit: int = 500) -> list[RecordedEvent]:
        """Return the next events in order, at most `limit`; none when there are none yet, or a gap is undecided.

        Moves the cursor past what it returns, and not at all when it raises. `connection` must be in autocommit: each
        statement needs a snapshot of its own.
        """
        if not connection.autocommit:
            raise ValueError("the ordered reader needs a connection in autocommit")
        if self._waiting_for is not None:
            await self._check_holders(connection, self._waiting_for)
        emitted, blocked = self._unbroken(await self._rows(connection, limit))
        if blocked and self._waiting_for is None:
            found = _Holders(transactions=await _holding(connection), covers=blocked[-1]["position"])
            if found.are_gone(found.transactions):  # most gaps are left by what was rolled back long ago
                self._proved_up_to = found.covers
                emitted, _ = self._unbroken(await self._rows(connection, limit))
            else:
                self._waiting_for = found
        if emitted:
            self.cursor = emitted[-1].position
        return emitted

    async def _check_holders(self, connection: Connection, holders: _Holders) -> None:
        if holders.are_gone(await _holding(connection)):
            self._proved_up_to, self._waiting_for = holders.covers, None

    async def _rows(self, connection: Connection, limit: int) -> list[dict[str, Any]]:
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(QUERIES["read_log"], {"cursor": self.cursor, "limit": limit})
            return await cursor.fetchall()

    def _unbroken(self, rows: list[dict[str, Any]]) -> tuple[list[RecordedEvent], list[dict[str, Any]]]:
        """Return the events before the first gap that is not proved, and the rows behind it."""
        last, emitted = self.cursor, list[RecordedEvent]()
        for row in rows:
            position = row["position"]
            if position != last + 1 and position > self._proved_up_to:
                break
            last = position
            emitted.append(recorded_event(row))
        return emitted, rows[len(emitted) :]


class ProvedEnd:
    """The position up to which the log is final, found without reading events: for a caller that needs no content.

    What is at or below a proved position is there for every later statement, or never will be. Gaps at the very end,
    which no event above shows, are proved as well. It holds while the log is open, in one epoch: what a recovery writes
    back draws no position. Not safe for concurrent use; needs a primary, and a connection in autocommit.
    """

    def __init__(self) -> None:
        self.position = 0
        """The highest position that is proved."""
        self.drawn = 0
        """The highest position that anybody had drawn at the last call; a later call proves it."""
        self._waiting_for: _Holders | None = None

    async def prove(self, connection: Connection) -> int:
        """Return the highest position that is proved now."""
        if not connection.autocommit:
            raise ValueError("the proof needs a connection in autocommit")
        self.drawn = await _last_drawn(connection)  # first: the transaction that drew it holds the lock, or has ended
        holding = await _holding(connection)
        if self._waiting_for is not None:
            if not self._waiting_for.are_gone(holding):
                return self.position
            self.position, self._waiting_for = self._waiting_for.covers, None
        if self.drawn > self.position:
            found = _Holders(transactions=holding, covers=self.drawn)
            if found.are_gone(holding):
                self.position = self.drawn
            else:
                self._waiting_for = found
        return self.position


async def _last_drawn(connection: Connection) -> int:
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(QUERIES["last_drawn"])
        drawn: int | None = await cursor.fetchone()
    assert drawn is not None
    return drawn


async def _holding(connection: Connection) -> frozenset[str]:
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(QUERIES["position_holders"])
        return frozenset(await cursor.fetchall())

"""Reads the log in order without ever losing an event, while others append.

Positions are drawn before their transactions commit, so a reader that simply goes on after the newest position it
saw loses what commits late. This reader emits only the unbroken run after its cursor. At a gap it takes a horizon:
a transaction id newer than that of every transaction that can hold a position below the newest one it has seen (the
append function takes its transaction id before it draws positions). The gap is dead, its holder has rolled back,
once one and the same statement shows that no transaction older than the horizon is open and that the gap is there
still.
"""

from dataclasses import dataclass
from typing import Any

from psycopg.rows import dict_row

from event_store.store import QUERIES, Connection, recorded_event
from schemas.envelope import RecordedEvent

_NEVER = "18446744073709551615"  # the largest xid8: no horizon was taken, so no gap may be passed


@dataclass(frozen=True, kw_only=True, slots=True)
class _Horizon:
    """A transaction id, and the position up to which it proves gaps: younger ones may belong to newer transactions."""

    transaction_id: str
    covers: int


class Tail:
    """A position in the log and the way onward. Not safe for concurrent use; needs a primary, not a standby."""

    def __init__(self, cursor: int = 0) -> None:
        self.cursor = cursor
        """The last position passed: everything up to it was emitted or is proved never to come."""
        self._horizon: _Horizon | None = None

    async def read(self, connection: Connection, limit: int = 500) -> list[RecordedEvent]:
        """Return the next events in order, at most `limit`; none when there are none yet, or a gap is undecided.

        Moves the cursor past what it returns. `connection` must be in autocommit: within one long transaction of
        its own, the reader would hold back the very proof that it waits for.
        """
        if not connection.autocommit:
            raise ValueError("the ordered reader needs a connection in autocommit")
        horizon = self._horizon.transaction_id if self._horizon else _NEVER
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(QUERIES["read_log"], {"cursor": self.cursor, "limit": limit, "horizon": horizon})
            rows = await cursor.fetchall()
            emitted = self._unbroken(rows)
            blocked = rows[len(emitted) :]
            if blocked and not self._covered(blocked[0]["position"]):
                await cursor.execute(QUERIES["take_horizon"])
                row = await cursor.fetchone()
                assert row is not None
                self._horizon = _Horizon(transaction_id=row["horizon"], covers=blocked[-1]["position"])
        return emitted

    def _unbroken(self, rows: list[dict[str, Any]]) -> list[RecordedEvent]:
        emitted: list[RecordedEvent] = []
        for row in rows:
            position = row["position"]
            gap_is_dead = row["horizon_passed"] and self._covered(position)
            if position != self.cursor + 1 and not gap_is_dead:
                break
            self.cursor = position
            emitted.append(recorded_event(row))
        return emitted

    def _covered(self, position: int) -> bool:
        return self._horizon is not None and position <= self._horizon.covers

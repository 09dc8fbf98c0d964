"""Reads events with all that their statements are made of, as the database has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from event_store.proofs.statement import EventRow
from event_store.store import Connection
from infra.postgres.queries import Queries

QUERIES = Queries.load(Path(__file__).with_name("log_rows.sql"))
LAST = 2**63 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Tail:
    """The events behind a position: how many, from which position to which."""

    count: int
    first: int | None
    last: int | None


async def rows_after(connection: Connection, after: int, *, limit: int, up_to: int = LAST) -> list[EventRow]:
    """Return the next events in the order of positions."""
    return await _rows(connection, "rows_after", {"after": after, "up_to": up_to, "limit": limit})


async def row_at(connection: Connection, position: int) -> EventRow | None:
    """Return the event at a position."""
    found = await rows_after(connection, position - 1, limit=1, up_to=position)
    return found[0] if found else None


async def rows_of(connection: Connection, event_or_stream: UUID) -> list[EventRow]:
    """Return the events of a stream, or the one with this id; none when there is neither."""
    found = await _rows(connection, "rows_of_stream", {"stream_id": event_or_stream})
    return found or await _rows(connection, "row_of_event", {"event_id": event_or_stream})


async def places_of(connection: Connection, event_ids: Sequence[str]) -> dict[str, int]:
    """Return at which positions events are that are in the log."""
    rows = await (await connection.execute(QUERIES.places_of_events, {"event_ids": list(event_ids)})).fetchall()
    return {row[0]: row[1] for row in rows}


async def tail_after(connection: Connection, after: int) -> Tail:
    """Return what is behind a position."""
    row = await (await connection.execute(QUERIES.count_after, {"after": after})).fetchone()
    assert row is not None
    return Tail(count=row[0], first=row[1], last=row[2])


async def _rows(connection: Connection, statement: str, parameters: dict[str, Any]) -> list[EventRow]:
    cursor = await connection.execute(QUERIES[statement], parameters)
    return cast("list[EventRow]", await cursor.fetchall())

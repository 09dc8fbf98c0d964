"""Reads a part of the log in order, in constant memory."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from domain.ids import MerchantId
from event_store.archive.one_log import OneLog, event_of
from event_store.replay.moments import QUERIES
from event_store.store import Connection, event_row
from event_store.tail import ProvedEnd
from schemas.envelope import RecordedEvent

RUN = 5_000
"""How many events are looked at in one statement."""
_PROVE_AGAIN_S = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which events: behind `after`, up to `up_to` (inclusive). None selects any category, type or merchant."""

    after: int = 0
    up_to: int
    categories: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    merchant_id: MerchantId | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what tells it from another."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """The next events that were looked at, `count` of them up to `position`, and those that were selected."""

    position: int
    count: int
    events: list[RecordedEvent]


async def final_position(connection: Connection) -> int:
    """Return the last position that anybody has drawn, once all up to there is there or never will be.

    `connection` must be in autocommit. Waits for open transactions that have drawn positions before.
    """
    end = ProvedEnd()
    await end.prove(connection)
    drawn = end.drawn
    while end.position < drawn:
        await asyncio.sleep(_PROVE_AGAIN_S)
        await end.prove(connection)
    return drawn


async def read_ahead(runs: AsyncGenerator[Run, None]) -> AsyncGenerator[Run, None]:
    """Give the same runs, and read the next one while the caller works on the last.

    Their connection is not the caller's, and belongs to nobody else until this has ended.
    """

    async def following() -> Run | None:
        return await anext(runs, None)

    reading = asyncio.create_task(following())
    try:
        while (run := await reading) is not None:
            reading = asyncio.create_task(following())
            yield run
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        await runs.aclose()


async def read_runs(
    connection: Connection, selection: Selection, *, size: int = RUN, log: OneLog | None = None
) -> AsyncGenerator[Run, None]:
    """Give the selected events in the order of positions, run by run; a run may have none of them.

    `selection.up_to` is final (`final_position`). `log` has what is archived; without it, what has left the log is not
    given, which none of the projections is made of. Raises psycopg.Error, ArchiveDiffers.
    """
    filters = {
        "categories": None if selection.categories is None else list(selection.categories),
        "types": None if selection.types is None else list(selection.types),
        "merchant_id": selection.merchant_id,
    }
    cursor = selection.after
    while True:
        if log is not None and cursor < log.archived_up_to:
            async for run in _archived_runs(log, cursor, selection, size):
                yield run
                cursor = run.position
            cursor = max(cursor, min(log.archived_up_to, selection.up_to))
        found = await _next_run(connection, cursor, selection.up_to, size, filters)
        if log is not None and await log.changed():
            continue
        if found is None:
            return
        yield found
        cursor = found.position


async def _next_run(
    connection: Connection, cursor: int, up_to: int, size: int, filters: Mapping[str, Any]
) -> Run | None:
    bounds = {"cursor": cursor, "up_to": up_to, "limit": size}
    row = await (await connection.execute(QUERIES.run_after, bounds)).fetchone()
    assert row is not None
    until, count = row
    if not count:
        return None
    async with connection.cursor(row_factory=event_row) as rows:
        await rows.execute(QUERIES.selected, {"cursor": cursor, "until": until, **filters})
        events = await rows.fetchall()
    return Run(position=until, count=count, events=events)


async def _archived_runs(log: OneLog, cursor: int, selection: Selection, size: int) -> AsyncGenerator[Run, None]:
    up_to = min(selection.up_to, log.archived_up_to)
    while cursor < up_to and (rows := await log.rows_after(cursor, limit=size, up_to=up_to)):
        cursor = rows[-1][0]
        events = [event_of(row) for row in rows if _may_be_selected(selection, row[4], row[5])]
        if selection.merchant_id is not None:
            events = [event for event in events if event.metadata.merchant_id == selection.merchant_id]
        yield Run(position=cursor, count=len(rows), events=events)


def _may_be_selected(selection: Selection, category: str, event_type: str) -> bool:
    return (selection.categories is None or category in selection.categories) and (
        selection.types is None or event_type in selection.types
    )

"""Compares the tables of a build with the live ones.

Each part of them in a snapshot in which both stand at one position.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from infra.postgres.pool import Connection
from projections.rebuild.builds import Build, mark_compared, unfinished
from projections.rebuild.errors import RebuildRefused
from projections.rebuild.filling import ahead_of
from projections.rebuild.targets import SQL, targets
from projections.rebuild.work import Work
from projections.row_differences import Key, KeyRange, RowDifference, differing_rows, range_behind
from projections.scratch import TABLES

_ROWS = 20_000
"""How many rows of a table are compared in one snapshot."""
_AHEAD_FOR_S = 10.0
_LOOK_AGAIN_S = 0.2


@dataclass(kw_only=True, slots=True)
class Comparison:
    """What was found, and how long it took."""

    differences: list[RowDifference] = field(default_factory=list)
    is_new: bool = False
    """There was nothing to be compared with."""
    seconds: float = 0.0
    position: int = 0


class _AheadError(Exception):
    pass


async def compare(
    work: Work, *, limit: int, rows: int = _ROWS, done: Callable[[str], None] = lambda _: None
) -> Comparison:
    """Compare all rows, `rows` at a time, and note the result; up to `limit` differences of each table.

    In the transaction of each part the build takes what the live projection has come to, so that both are the same
    events; no snapshot lasts longer than one part takes. Raises RebuildRefused.
    """
    began, found = time.monotonic(), Comparison()
    goal = await targets(work.conn, work.source)
    if goal.is_new:
        await mark_compared(work.conn, work.build, position=goal.end, differences=None)
        return Comparison(is_new=True, position=goal.end)
    for table in TABLES[work.build.projection]:
        before, after = len(found.differences), None
        while True:
            part = await _compare_part(work, table, after, limit=limit, rows=rows)
            found.differences += part.differences
            found.position = part.position
            done(table)
            after = part.until
            if after is None or len(found.differences) - before >= limit:
                break
    found.seconds = time.monotonic() - began
    await mark_compared(work.conn, work.build, position=found.position, differences=len(found.differences))
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    differences: list[RowDifference]
    position: int
    until: Key | None


async def _compare_part(work: Work, table: str, after: Key | None, *, limit: int, rows: int) -> _Part:
    deadline = time.monotonic() + _AHEAD_FOR_S
    while True:
        try:
            async with work.conn.transaction():
                await work.conn.execute(SQL.one_snapshot)
                position = await _take_up(work)
                within = await range_behind(work.conn, table, work.build.schema, after, rows)
                differences = await compare_rows(work.conn, work.build, table, limit=limit, within=within)
            return _Part(differences=differences, position=position, until=within.until)
        except _AheadError as ahead:
            if time.monotonic() > deadline:
                raise RebuildRefused(
                    f"build {work.build.build_id} has more than the live projection, which was set back ({ahead}). "
                    "Remedy: wait until the projector has caught up, or drop the build and begin again"
                ) from None
            await asyncio.sleep(_LOOK_AGAIN_S)


async def _take_up(work: Work) -> int:
    """Have the build take what the live projection has in this snapshot; return the position of both."""
    goal = await targets(work.conn, work.source)
    await work.filler.advance(work.conn, goal)
    now = await unfinished(work.conn, work.build.projection)
    assert now is not None
    if ahead := ahead_of(now.progress.checkpoints, goal):
        raise _AheadError(", ".join(f"{topic}/{partition}" for topic, partition in ahead))
    return goal.end


async def compare_rows(
    conn: Connection, build: Build, table: str, *, limit: int, within: KeyRange | None = None
) -> list[RowDifference]:
    """Return the rows of a table that differ, in the snapshot of `conn`."""
    found = differing_rows(conn, build.projection, table, build.schema, limit=limit, within=within)
    return [each async for each in found]

"""The builds of projections, as the database knows them: how far each has come, and what became of it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import psycopg
from psycopg.rows import dict_row

from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections.rebuild.errors import RebuildRefused

_SQL = Queries.load(Path(__file__).with_name("builds.sql"))

Place = tuple[str, int]
"""A topic and a partition."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildProgress:
    """How far a build has come: after each batch another.

    All events up to `read_through` are applied, but those of `skipped`; of a partition those up to `checkpoints`.
    """

    batches: int = 0
    events: int = 0
    busy_ms: int = 0
    read_through: int = 0
    checkpoints: Mapping[Place, int]
    skipped: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """A build of a projection: tables beside the live ones, and later those that they replaced."""

    build_id: int
    projection: str
    phase: str
    epoch: int
    started_by: str
    started_at: datetime
    updated_at: datetime
    progress: BuildProgress
    compared_at: datetime | None
    compared_at_position: int | None
    differences: int | None
    swapped_at: datetime | None
    swapped_by: str | None
    swapped_at_position: int | None
    forced: bool
    reason: str | None

    @property
    def schema(self) -> str:
        """Where its tables are until they are swapped."""
        return f"read_model_build_{self.build_id}"

    @property
    def replaced_schema(self) -> str:
        """Where the tables are that it replaced, until they are dropped."""
        return f"read_model_replaced_{self.build_id}"


@asynccontextmanager
async def claimed(conn: Connection, projection: str) -> AsyncIterator[None]:
    """Work on the builds of a projection alone. Raises RebuildRefused while somebody else does.

    The claim ends with the session, also when the process is killed. `conn` leads straight to PostgreSQL.
    """
    row = await (await conn.execute(_SQL.claim, {"projection": projection})).fetchone()
    if row != (True,):
        raise RebuildRefused(f"another process works on a rebuild of {projection}. See: paystream projections status")
    try:
        yield
    finally:
        if not conn.broken and not conn.closed:
            await conn.execute(_SQL.release, {"projection": projection})


async def claimed_projections(conn: Connection, projections: Sequence[str]) -> set[str]:
    """Return those that a process works on at this moment."""
    cursor = await conn.execute(_SQL.claimed, {"projections": list(projections)})
    return {name for (name,) in await cursor.fetchall()}


async def begin(conn: Connection, projection: str, *, epoch: int, actor: str) -> Build:
    """Note a new build. Raises RebuildRefused when there is an unfinished one."""
    try:
        await conn.execute(_SQL.begin, {"projection": projection, "epoch": epoch, "actor": actor})
    except psycopg.errors.UniqueViolation as error:
        raise RebuildRefused(f"there is an unfinished build of {projection}") from error
    build = await unfinished(conn, projection)
    assert build is not None
    return build


async def unfinished(conn: Connection, projection: str) -> Build | None:
    """Return the build of a projection that is neither swapped nor abandoned."""
    found = await _builds(conn, "unfinished", {"projection": projection})
    return found[0] if found else None


async def builds_of(conn: Connection, projection: str | None, *, limit: int = 100) -> list[Build]:
    """Return the builds of a projection, or of all, the newest first."""
    return await _builds(conn, "builds", {"projection": projection, "limit": limit})


async def save_progress(conn: Connection, build: Build, before: BuildProgress, after: BuildProgress) -> None:
    """Write what a batch has brought, in its transaction. Raises RebuildRefused when another process was first."""
    cursor = await conn.execute(
        _SQL.advance,
        {
            "build_id": build.build_id,
            "batches": before.batches,
            "events": after.events - before.events,
            "busy_ms": after.busy_ms - before.busy_ms,
            "read_through": after.read_through,
            "checkpoints": orjson.dumps([[*place, at] for place, at in after.checkpoints.items()]).decode(),
            "skipped": sorted(after.skipped),
        },
    )
    _check_one(cursor, build)


async def mark_caught_up(conn: Connection, build: Build) -> None:
    """Note that all is in it that was there when it began."""
    await conn.execute(_SQL.caught_up, {"build_id": build.build_id})


async def mark_compared(conn: Connection, build: Build, *, position: int, differences: int | None) -> None:
    """Note what a comparison has found; None: there was nothing to be compared with."""
    found = {"build_id": build.build_id, "position": position, "differences": differences}
    _check_one(await conn.execute(_SQL.compared, found), build)


async def mark_swapped(
    conn: Connection,
    build: Build,
    *,
    position: int,
    differences: int | None,
    actor: str,
    forced: bool,
    reason: str | None,
) -> None:
    """Note, in the transaction of the swap, that it is live."""
    swap = {"position": position, "differences": differences, "actor": actor, "forced": forced, "reason": reason}
    _check_one(await conn.execute(_SQL.swapped, {"build_id": build.build_id, **swap}), build)


async def mark_ended(conn: Connection, build: Build, *, actor: str) -> None:
    """Note, in the transaction in which they go, that nothing is left of its tables, or of those that it replaced."""
    _check_one(await conn.execute(_SQL.ended, {"build_id": build.build_id, "actor": actor}), build)


def _check_one(cursor: psycopg.AsyncCursor[Any], build: Build) -> None:
    if cursor.rowcount != 1:
        raise RebuildRefused(f"another process has gone on with build {build.build_id} of {build.projection}")


async def _builds(conn: Connection, query: str, parameters: Mapping[str, Any]) -> list[Build]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL[query], parameters)
        return [_build(columns) for columns in await cursor.fetchall()]


def _build(columns: dict[str, Any]) -> Build:
    progress = BuildProgress(
        batches=columns.pop("batches"),
        events=columns.pop("events"),
        busy_ms=columns.pop("busy_ms"),
        read_through=columns.pop("read_through"),
        checkpoints={(topic, partition): at for topic, partition, at in columns.pop("checkpoints")},
        skipped=frozenset(columns.pop("skipped")),
    )
    return Build(progress=progress, **columns)

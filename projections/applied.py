"""How far a projection is, as the query API reads it: beside what it answers, and whether it can answer at all."""

from pathlib import Path

from psycopg.rows import scalar_row

from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("applied.sql"))


async def newest_position(conn: Connection, *, projection: str) -> int:
    """Return the highest position that a projection has applied, in any partition of its topics; 0 before the first."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL.newest_position, {"projection": projection})
        return int(await cursor.fetchone() or 0)


async def is_built(conn: Connection, *, projection: str, topic: str) -> bool:
    """Whether it has what the others have: not after an upgrade to the release that brought it."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL.is_built, {"projection": projection, "topic": topic})
        return bool(await cursor.fetchone())

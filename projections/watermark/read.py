"""What the query API asks of the watermark."""

from pathlib import Path
from uuid import UUID

import psycopg
from psycopg.rows import scalar_row

from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("read.sql"))


async def generation(conn: Connection) -> UUID | None:
    """Return what is another after the read model was emptied: between two reads in one generation it only grew."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL.generation)
        found: UUID | None = await cursor.fetchone()
        return found


async def ask(conn: Connection) -> None:
    """Have the watermark moved as far as it can be. Needs no right, and writes nothing.

    A standby cannot: there it moves only after events were applied.
    """
    try:
        await conn.execute(_SQL.ask)
    except psycopg.errors.ReadOnlySqlTransaction:
        return

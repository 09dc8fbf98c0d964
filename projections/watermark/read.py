"""What the query API reads of the watermark, and its request to move it."""

from pathlib import Path
from uuid import UUID

import psycopg
from psycopg.rows import scalar_row

from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("read.sql"))


async def generation(conn: Connection) -> UUID | None:
    """Return the id that changes when the read model is emptied: within one generation it only grows."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL.generation)
        found: UUID | None = await cursor.fetchone()
        return found


async def request_advance(conn: Connection) -> None:
    """Request that the watermark be moved as far as it can. Needs no right, and writes nothing.

    Does nothing on a standby: there it moves only after events were applied.
    """
    try:
        await conn.execute(_SQL.request_advance)
    except psycopg.errors.ReadOnlySqlTransaction:
        return

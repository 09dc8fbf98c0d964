"""Which streams the log has."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from psycopg.rows import scalar_row

from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("streams.sql"))


async def known_streams(conn: Connection, stream_ids: Sequence[UUID]) -> set[UUID]:
    """Return those of the streams that are in the log."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL.known_streams, {"stream_ids": list(stream_ids)})
        return set(await cursor.fetchall())

"""Many payments behind the pages, made in the database at once: enough of each to be listed, not what events make."""

from pathlib import Path
from uuid import UUID

import psycopg

from infra.postgres.queries import Queries
from tests.support.database import Database

STATEMENTS = Queries.load(Path(__file__).with_name("many_payments.sql"))
_BASE = 1000
"""Positions below are for what a test records itself."""


async def fill(database: Database, count: int, *, merchant_id: str) -> UUID:
    """Make so many payments of a merchant, with all that is kept of them; return the id of one in the middle."""
    given = {"count": count, "merchant_id": merchant_id, "base": _BASE}
    async with await psycopg.AsyncConnection.connect(
        database.url("owner"), autocommit=True, cursor_factory=psycopg.AsyncClientCursor
    ) as conn:
        await conn.execute("SET synchronous_commit = off")
        for name in STATEMENTS:
            await conn.execute(STATEMENTS[name], given)
        await conn.execute("ANALYZE")
        row = await (await conn.execute("SELECT md5('payment-' || %s)::uuid", [count // 2])).fetchone()
    assert row is not None
    found: UUID = row[0]
    return found

"""Read queries of the `payment_timeline` projection, for the query API."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from psycopg.rows import class_row, scalar_row

from infra.postgres import Connection, Queries

_SQL = Queries.load(Path(__file__).with_name("read.sql"))


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEntry:
    """An event of a payment as read. `data` is JSON text, ready to be sent."""

    position: int
    version: int
    type: str
    at: datetime
    actor: str
    request_id: str | None
    correlation_id: str
    data: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """The highest position applied in any partition (0: none yet), and when a checkpoint last moved."""

    position: int
    updated_at: datetime | None


async def page(
    conn: Connection, *, merchant_id: str, payment_id: UUID, after_version: int, limit: int
) -> list[StoredEntry]:
    """Return up to `limit` events of a merchant's payment after a version (0: all), oldest first."""
    parameters = {
        "merchant_id": merchant_id,
        "payment_id": payment_id,
        "after_version": after_version,
        "limit": limit,
    }
    async with conn.cursor(row_factory=class_row(StoredEntry)) as cursor:
        await cursor.execute(_SQL.page, parameters)
        return await cursor.fetchall()


async def applied(conn: Connection, positions: Iterable[int]) -> set[int]:
    """Return those of `positions` whose events the timeline holds."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL.applied, {"positions": list(positions)})
        return set(await cursor.fetchall())


async def progress(conn: Connection) -> Progress:
    """Return how far the projection has come."""
    async with conn.cursor(row_factory=class_row(Progress)) as cursor:
        await cursor.execute(_SQL.progress)
        row = await cursor.fetchone()
    assert row is not None
    return row

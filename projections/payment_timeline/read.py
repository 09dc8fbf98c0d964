"""Read queries of the `payment_timeline` projection, for the query API."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from psycopg.rows import class_row, scalar_row

from domain.ids import MerchantId, PaymentId
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

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
class TimelineProgress:
    """The highest position applied in any partition, the lowest of those that partitions have come to (0: none yet).

    `updated_at`: when a checkpoint last moved. `watermark`: up to where the read model is proved to be whole.
    """

    position: int
    lowest: int
    updated_at: datetime | None
    watermark: int

    def reached_before(self, position: int) -> int:
        """Return up to where the read model has come on its way to a position that it does not reflect."""
        if self.watermark >= position:  # it waits for nothing else
            return position - 1
        return max((each for each in (self.watermark, self.lowest, self.position) if each < position), default=0)


async def page(
    conn: Connection, *, merchant_id: MerchantId, payment_id: PaymentId, after_version: int, limit: int
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


async def is_removed(conn: Connection, *, merchant_id: MerchantId, payment_id: PaymentId) -> bool:
    """Return whether a merchant's payment has a timeline of which retention has removed rows."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL.is_removed, {"merchant_id": merchant_id, "payment_id": payment_id})
        return bool(await cursor.fetchone())


async def applied(conn: Connection, positions: Iterable[int]) -> set[int]:
    """Return those of `positions` that the read model reflects: nothing of a payment is missing there any more."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL.applied, {"positions": list(positions)})
        return set(await cursor.fetchall())


async def progress(conn: Connection) -> TimelineProgress:
    """Return how far the projection has come."""
    async with conn.cursor(row_factory=class_row(TimelineProgress)) as cursor:
        await cursor.execute(_SQL.progress)
        row = await cursor.fetchone()
    assert row is not None
    return row

"""Read queries of the `payment_totals` projection, for the query API."""

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from psycopg.rows import class_row, scalar_row

from domain.ids import MerchantId
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections.days import DayRange

_SQL = Queries.load(Path(__file__).with_name("read.sql"))


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentDay:
    """Payments that were made on a day, in a currency, and stand at a status with a refusal code."""

    date: date
    currency: str
    status: str
    refusal_code: str
    payments: int
    amount: int


async def days(conn: Connection, *, merchant_id: MerchantId, within: DayRange) -> list[PaymentDay]:
    """Return a merchant's totals by day."""
    async with conn.cursor(row_factory=class_row(PaymentDay)) as cursor:
        await cursor.execute(_SQL.days, asdict(within) | {"merchant_id": merchant_id}, prepare=False)
        return await cursor.fetchall()


async def newest_position(conn: Connection) -> int:
    """Return the highest position applied in any partition; 0 before the first."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL.newest_position)
        return int(await cursor.fetchone() or 0)


async def is_built(conn: Connection) -> bool:
    """Whether it has what the others have: not after an upgrade to the release that brought it."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL.is_built)
        return bool(await cursor.fetchone())

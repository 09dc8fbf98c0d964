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


async def newest_position(conn: Connection) -> int | None:
    """Return the highest position applied in any partition; None: the projection has not been built yet."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL.newest_position)
        position: int | None = await cursor.fetchone()
        return position

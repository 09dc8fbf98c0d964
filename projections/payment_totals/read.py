"""Read queries of the `payment_totals` projection, for the query API."""

from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from pathlib import Path

from psycopg.rows import class_row

from domain.ids import MerchantId
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections import applied
from projections.days import DayRange

_SQL = Queries.load(Path(__file__).with_name("read.sql"))
newest_position = partial(applied.newest_position, projection="payment_totals")
is_built = partial(applied.is_built, projection="payment_totals", topic="paystream.payment")


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

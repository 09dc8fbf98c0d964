"""Stripe's rows in a table, from being read until they are compared. Each execution of a run has rows of its own."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

from domain.ids import RunId
from domain.reconciliation.rows import StripeRow
from infra.postgres.pool import Connection, Pool
from infra.postgres.queries import Queries

SQL = Queries.load(Path(__file__).with_name("staging.sql"))

_BATCH = 5_000  # rows of a transaction


class RowsLost(Exception):
    """The database has fewer of Stripe's rows than were written: it was restarted. They are to be read again."""

    def __init__(self, *, written: int, found: int) -> None:
        super().__init__(f"{written} of Stripe's rows were written, and {found} are there: the database was restarted")


@dataclass(kw_only=True)
class Staging:
    """The rows of one execution."""

    staging_id: UUID
    begun_at: datetime
    """By the database's clock."""
    pool: Pool
    written: int = 0

    async def fill(self, pages: AsyncIterator[Sequence[StripeRow]], read: Callable[[int], None]) -> None:
        """Write all rows, and tell how many are read. No transaction is open while a page is awaited."""
        batch: list[StripeRow] = []
        seen = 0
        async for page in pages:
            batch += page
            seen += len(page)
            read(seen)
            if len(batch) >= _BATCH:
                await self._write(batch)
                batch = []
        await self._write(batch)

    async def check(self, conn: Connection) -> None:
        """Raise RowsLost unless all rows that were written are there."""
        cursor = await conn.execute(SQL.count_rows, {"staging_id": self.staging_id})
        row = await cursor.fetchone()
        found = row[0] if row else 0
        if found != self.written:
            raise RowsLost(written=self.written, found=found)

    async def _write(self, rows: Sequence[StripeRow]) -> None:
        if not rows:
            return
        async with self.pool.connection() as conn, conn.transaction():
            async with conn.cursor() as cursor, cursor.copy(SQL.copy_rows) as copy:
                await copy.write(_as_text(self.staging_id, rows))
            await conn.execute(SQL.touch, {"staging_id": self.staging_id, "rows": len(rows)})
        self.written += len(rows)


@asynccontextmanager
async def staging(pool: Pool, run_id: RunId) -> AsyncIterator[Staging]:
    """Lend a staging and throw its rows away afterwards, with those of executions that were killed long ago."""
    staging_id = uuid4()
    async with pool.connection() as conn:
        cursor = await conn.execute(SQL.begin, {"staging_id": staging_id, "run_id": run_id})
        row = await cursor.fetchone()
    assert row is not None
    try:
        yield Staging(staging_id=staging_id, begun_at=row[0], pool=pool)
    finally:
        async with pool.connection() as conn:
            await conn.execute(SQL.throw_away, {"staging_id": staging_id})


# https://www.postgresql.org/docs/current/sql-copy.html, "Text Format"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_NULL = "\\N"


def _as_text(staging_id: UUID, rows: Sequence[StripeRow]) -> str:
    """Return rows in the text format of COPY: a third of the time that handing them over one by one takes."""
    return "".join(
        f"{staging_id}\t{row.source_id.translate(_ESCAPES)}\t{row.category.translate(_ESCAPES)}\t"
        f"{row.transaction_id.translate(_ESCAPES)}\t{row.amount}\t{row.fee}\t{row.currency.translate(_ESCAPES)}\t"
        f"{row.created}\t{_NULL if row.exchange_rate is None else row.exchange_rate.translate(_ESCAPES)}\n"
        for row in rows
    )

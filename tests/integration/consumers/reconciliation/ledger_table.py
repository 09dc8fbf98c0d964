"""A table in the place of the ledger's view."""

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg

from domain.reconciliation.rows import Movement
from tests.support.database import Database

_LEDGER = """
CREATE SCHEMA IF NOT EXISTS ledger;
DROP VIEW IF EXISTS ledger.stripe_movements;
CREATE TABLE ledger.stripe_movements (
    source_id text NOT NULL, category text NOT NULL, currency text NOT NULL, amount bigint NOT NULL, fee bigint,
    at timestamptz NOT NULL, payment_id uuid, position bigint NOT NULL DEFAULT 0, transaction_id text,
    transaction_at timestamptz, presented_amount bigint, presented_currency text
);
UPDATE consumers.balance_cursors SET completed_at = now();
GRANT USAGE ON SCHEMA ledger TO paystream_app;
GRANT SELECT ON ledger.stripe_movements TO paystream_app;
"""


@dataclass(frozen=True)
class LedgerTable:
    """The ledger's movements, as a test writes them."""

    database: Database

    async def prepare(self) -> None:
        async with await self._connect() as conn:
            await conn.execute(_LEDGER)

    async def write(self, movements: Iterable[Movement]) -> None:
        """Have these movements and no others."""
        async with await self._connect() as conn:
            await conn.execute("TRUNCATE ledger.stripe_movements")
            async with conn.cursor() as cursor:
                await cursor.executemany(
                    "INSERT INTO ledger.stripe_movements"
                    " (source_id, category, currency, amount, fee, at, payment_id, transaction_id, transaction_at,"
                    " presented_amount, presented_currency)"
                    " VALUES (%s, %s, %s, %s, %s, to_timestamp(%s), %s, %s, to_timestamp(%s), %s, %s)",
                    list(movements),
                )

    async def _connect(self) -> psycopg.AsyncConnection[tuple[object, ...]]:
        return await psycopg.AsyncConnection.connect(self.database.url("owner"), autocommit=True)

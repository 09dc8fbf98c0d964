"""Stand-ins for the two books: Stripe's in memory, and a table in the place of the ledger's view."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from consumers.reconciliation.books import Owner
from domain.reconciliation import Movement, PayoutSum, StripeRow
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


@dataclass
class FakeBooks:
    """Stripe's books; `before_page` is awaited before each page of them."""

    stripe: list[StripeRow] = field(default_factory=list)
    paid_out: list[PayoutSum] = field(default_factory=list)
    owners: dict[str, Owner] = field(default_factory=dict)
    page: int = 100
    before_page: Callable[[], Awaitable[None]] | None = None
    transactions: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Rows as Stripe writes them."""
    looked_up: list[str] = field(default_factory=list)

    async def rows(self, first: int, last: int) -> AsyncIterator[Sequence[StripeRow]]:
        wanted = [row for row in self.stripe if first <= row.created < last]
        for at in range(0, len(wanted), self.page):
            if self.before_page is not None:
                await self.before_page()
            await asyncio.sleep(0)
            yield wanted[at : at + self.page]

    async def payouts(self, first: int, last: int) -> AsyncIterator[PayoutSum]:
        for payout in self.paid_out:
            if first <= payout.created < last:
                yield payout

    async def rows_of(self, source_id: str) -> Sequence[StripeRow]:
        self.looked_up.append(source_id)
        return [row for row in self.stripe if row.source_id == source_id]

    async def transaction(self, transaction_id: str) -> dict[str, Any] | None:
        return self.transactions.get(transaction_id)

    async def payout(self, payout_id: str) -> PayoutSum | None:
        return next((each for each in self.paid_out if each.payout_id == payout_id), None)

    async def owner_of(self, source_id: str) -> Owner | None:
        return self.owners.get(source_id)


@dataclass(frozen=True)
class FakeLedger:
    """Our book."""

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


def new_source(prefix: str = "ch") -> str:
    return f"{prefix}_{uuid.uuid4().hex[:16]}"

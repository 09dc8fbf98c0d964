"""Read queries of the `ledger` projection, for the query API and the export."""

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path

from psycopg.rows import class_row

from domain.ids import BalanceSourceId, MerchantId, PaymentId
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections import applied
from projections.days import DayRange
from schemas.http.times import end_of_moment

_SQL = Queries.load(Path(__file__).with_name("read.sql"))
newest_position = partial(applied.newest_position, projection="ledger")
_ROWS_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredBalance:
    """Both sides of an account in a currency."""

    account: str
    currency: str
    debit: int
    credit: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryKey:
    """A place in a list of entries, which runs from the newest to the oldest."""

    at: datetime
    position: int
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEntry:
    """An entry as read. `lines` is JSON text, ready to be sent."""

    position: int
    number: int
    kind: str
    source_id: BalanceSourceId
    category: str
    at: datetime
    payment_id: PaymentId | None
    lines: str

    @property
    def key(self) -> EntryKey:
        """Its place in a list of entries."""
        return EntryKey(at=self.at, position=self.position, number=self.number)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredLine:
    """A line with what its entry says, for an export."""

    at: datetime
    position: int
    number: int
    line: int
    kind: str
    source_id: BalanceSourceId
    category: str
    payment_id: PaymentId | None
    account: str
    currency: str
    amount: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryFilters:
    """What entries to list; None: any. `since` is inclusive, `until` is not."""

    payment_id: PaymentId | None = None
    account: str | None = None
    currency: str | None = None
    source_id: BalanceSourceId | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerDay:
    """What moved on a day in a currency: each is above zero when it went the usual way."""

    date: date
    currency: str
    gross: int
    refunds: int
    disputes: int
    fees: int

    @property
    def net(self) -> int:
        """What is left of what came in."""
        return self.gross - self.refunds - self.disputes - self.fees


async def balances(conn: Connection, *, as_of: datetime | None) -> list[StoredBalance]:
    """Return both sides of every account that was used, as of a moment (inclusive; None: all), by currency."""
    async with conn.cursor(row_factory=class_row(StoredBalance)) as cursor:
        await cursor.execute(_SQL.balances, {"as_of": _end(as_of)})
        return await cursor.fetchall()


async def entries(conn: Connection, *, filters: EntryFilters, after: EntryKey | None, limit: int) -> list[StoredEntry]:
    """Return up to `limit` entries that come after a key of the list (None: the newest)."""
    by_line = (filters.account or filters.currency) and not (filters.payment_id or filters.source_id)
    parameters = asdict(filters) | _after(after, limit)
    async with conn.cursor(row_factory=class_row(StoredEntry)) as cursor:
        # prepare=False: a prepared statement could get a generic plan, blind to which filters are off.
        await cursor.execute(_SQL.account_entries if by_line else _SQL.entries, parameters, prepare=False)
        return await cursor.fetchall()


async def balances_of_merchant(
    conn: Connection, merchant_id: MerchantId, *, as_of: datetime | None
) -> list[StoredBalance]:
    """Return the same of what a merchant's payments moved."""
    async with conn.cursor(row_factory=class_row(StoredBalance)) as cursor:
        await cursor.execute(_SQL.balances_of_merchant, {"merchant_id": merchant_id, "as_of": _end(as_of)})
        return await cursor.fetchall()


async def entries_of_merchant(
    conn: Connection, merchant_id: MerchantId, *, filters: EntryFilters, after: EntryKey | None, limit: int
) -> list[StoredEntry]:
    """Return up to `limit` entries of a merchant's payments after a key; of the filters, the times and the payment."""
    parameters = {"merchant_id": merchant_id, **asdict(filters), **_after(after, limit)}
    async with conn.cursor(row_factory=class_row(StoredEntry)) as cursor:
        # prepare=False: a prepared statement could get a generic plan, blind to which filters are off.
        await cursor.execute(_SQL.entries_of_merchant, parameters, prepare=False)
        return await cursor.fetchall()


async def day_totals(conn: Connection, within: DayRange) -> list[LedgerDay]:
    """Return what moved by day of a time zone."""
    async with conn.cursor(row_factory=class_row(LedgerDay)) as cursor:
        await cursor.execute(_SQL.day_totals, asdict(within), prepare=False)
        return await cursor.fetchall()


async def lines(conn: Connection, *, since: datetime | None, until: datetime | None) -> AsyncIterator[StoredLine]:
    """Yield every line of a time, oldest first: `since` is inclusive, `until` is not.

    Through a cursor of the server, so in a transaction of the caller's, and in the memory of some lines.
    """
    async with conn.cursor("ledger_lines", row_factory=class_row(StoredLine)) as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        await cursor.execute(_SQL.lines, {"since": since, "until": until})
        async for line in cursor:
            yield line


async def prepare_export(conn: Connection) -> None:
    """Lift the limits that reads have, for this transaction: an export takes as long as it takes."""
    await conn.execute(_SQL.lift_limits)


def _end(as_of: datetime | None) -> datetime | None:
    return None if as_of is None else end_of_moment(as_of)


def _after(key: EntryKey | None, limit: int) -> dict[str, object]:
    return {
        "after_at": key.at if key else None,
        "after_position": key.position if key else None,
        "after_number": key.number if key else None,
        "limit": limit,
    }

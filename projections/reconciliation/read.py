"""Read queries of the projection, for the query API."""

import datetime as dt
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

from psycopg.rows import class_row

from domain.ids import BalanceSourceId, DiscrepancyId, MerchantId, PaymentId, RunId
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections import applied

_SQL = Queries.load(Path(__file__).with_name("read.sql"))
newest_position = partial(applied.newest_position, projection="reconciliation")


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRun:
    """The newest run of a day as read. `totals` and `found` are JSON, ready to be sent."""

    run_id: RunId
    number: int
    date: dt.date
    time_zone: str
    origin: str
    report: str | None
    status: str
    attempt: int
    failure: str | None
    totals: str
    found: str
    opened: int
    resolved: int
    backfilled: int
    payouts: int
    requested_at: dt.datetime
    completed_at: dt.datetime | None
    updated_at: dt.datetime
    version: int
    position: int

    @property
    def key(self) -> "DayKey":
        """Its place in a list."""
        return DayKey(date=self.date, row_id=self.run_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredDiscrepancy:
    """A discrepancy as read. `stripe`, `ledger` and `transaction_ids` are JSON, ready to be sent."""

    discrepancy_id: DiscrepancyId
    kind: str
    source_id: BalanceSourceId
    category: str
    date: dt.date
    status: str
    stripe: str | None
    ledger: str | None
    transaction_ids: str
    payment_id: PaymentId | None
    run_id: RunId
    actor: str | None
    reason: str | None
    assignee: str | None
    opened_at: dt.datetime
    updated_at: dt.datetime
    version: int
    position: int

    @property
    def key(self) -> "DayKey":
        """Its place in a list."""
        return DayKey(date=self.date, row_id=self.discrepancy_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class DayKey:
    """A place in a list of runs, or of discrepancies, that runs from the newest day to the oldest."""

    date: dt.date
    row_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFilters:
    """Which runs to list; None: any. Days are inclusive bounds."""

    status: str | None = None
    date_from: dt.date | None = None
    date_to: dt.date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscrepancyFilters:
    """Which discrepancies to list; None: any. Days are inclusive bounds."""

    status: str | None = None
    kind: str | None = None
    source_id: BalanceSourceId | None = None
    assignee: str | None = None
    payment_id: PaymentId | None = None
    run_id: RunId | None = None
    date_from: dt.date | None = None
    date_to: dt.date | None = None


async def find_run(conn: Connection, run_id: RunId) -> StoredRun | None:
    """Return the newest run of a day."""
    async with conn.cursor(row_factory=class_row(StoredRun)) as cursor:
        await cursor.execute(_SQL.find_run, {"run_id": run_id})
        return await cursor.fetchone()


async def runs(conn: Connection, *, filters: RunFilters, after: DayKey | None, limit: int) -> list[StoredRun]:
    """Return up to `limit` runs that come after a key of the list (None: the newest)."""
    async with conn.cursor(row_factory=class_row(StoredRun)) as cursor:
        # prepare=False: a prepared statement could get a generic plan, blind to which filters are off.
        await cursor.execute(_SQL.runs, asdict(filters) | _after(after, limit), prepare=False)
        return await cursor.fetchall()


async def discrepancies(
    conn: Connection, *, filters: DiscrepancyFilters, after: DayKey | None, limit: int
) -> list[StoredDiscrepancy]:
    """Return up to `limit` discrepancies that come after a key of the list (None: the newest)."""
    async with conn.cursor(row_factory=class_row(StoredDiscrepancy)) as cursor:
        await cursor.execute(_SQL.discrepancies, asdict(filters) | _after(after, limit), prepare=False)
        return await cursor.fetchall()


async def discrepancies_of_merchant(
    conn: Connection, merchant_id: MerchantId, *, filters: DiscrepancyFilters, after: DayKey | None, limit: int
) -> list[StoredDiscrepancy]:
    """Return up to `limit` of a merchant's discrepancies after a key; of the filters, the days, status and payment."""
    parameters = {"merchant_id": merchant_id, **asdict(filters), **_after(after, limit)}
    async with conn.cursor(row_factory=class_row(StoredDiscrepancy)) as cursor:
        await cursor.execute(_SQL.discrepancies_of_merchant, parameters, prepare=False)
        return await cursor.fetchall()


async def find_discrepancy(conn: Connection, discrepancy_id: DiscrepancyId) -> StoredDiscrepancy | None:
    """Return one discrepancy."""
    async with conn.cursor(row_factory=class_row(StoredDiscrepancy)) as cursor:
        await cursor.execute(_SQL.find_discrepancy, {"discrepancy_id": discrepancy_id})
        return await cursor.fetchone()


def _after(key: DayKey | None, limit: int) -> dict[str, object]:
    return {"after_date": key.date if key else None, "after_id": key.row_id if key else None, "limit": limit}

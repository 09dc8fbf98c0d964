"""Read queries of the `payouts` projection, for the query API."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

from psycopg.rows import class_row, scalar_row

from domain.ids import PayoutId
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("read.sql"))


@dataclass(frozen=True, kw_only=True, slots=True)
class PayoutKey:
    """A place in a list of payouts, which runs from the newest to the oldest."""

    created_at: datetime
    payout_id: PayoutId


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredPayout:
    """A payout as read."""

    payout_id: PayoutId
    amount: int
    currency: str
    status: str
    automatic: bool
    failure_code: str | None
    arrival_date: date
    created_at: datetime
    updated_at: datetime
    version: int
    position: int

    @property
    def key(self) -> PayoutKey:
        """Its place in a list of payouts."""
        return PayoutKey(created_at=self.created_at, payout_id=self.payout_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class PayoutFilters:
    """What payouts to list; None: any. `since` is inclusive, `until` is not."""

    status: str | None = None
    currency: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def find(conn: Connection, payout_id: PayoutId) -> StoredPayout | None:
    """Return a payout, or None when there is none."""
    async with conn.cursor(row_factory=class_row(StoredPayout)) as cursor:
        await cursor.execute(_SQL.find, {"payout_id": payout_id})
        return await cursor.fetchone()


async def page(conn: Connection, *, filters: PayoutFilters, after: PayoutKey | None, limit: int) -> list[StoredPayout]:
    """Return up to `limit` payouts that come after a key of the list (None: the newest)."""
    parameters = asdict(filters) | {
        "after_created_at": after.created_at if after else None,
        "after_id": after.payout_id if after else None,
        "limit": limit,
    }
    async with conn.cursor(row_factory=class_row(StoredPayout)) as cursor:
        # prepare=False: a prepared statement could get a generic plan, blind to which filters are off.
        await cursor.execute(_SQL.page, parameters, prepare=False)
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

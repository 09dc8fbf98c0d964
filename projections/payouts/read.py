"""Read queries of the `payouts` projection, for the query API."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path

from psycopg.rows import class_row

from domain.ids import PayoutId
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections import applied

_SQL = Queries.load(Path(__file__).with_name("read.sql"))
newest_position = partial(applied.newest_position, projection="payouts")
is_built = partial(applied.is_built, projection="payouts", topic="paystream.stripe-balance")


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

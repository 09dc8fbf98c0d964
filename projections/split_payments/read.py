"""Read queries of the `split_payments` projection, for the query API."""

from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from psycopg.rows import class_row

from domain.ids import MerchantId, SplitPaymentId, UserId
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections import applied

_SQL = Queries.load(Path(__file__).with_name("read.sql"))
newest_position = partial(applied.newest_position, projection="split_payments")


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredSplitPayment:
    """A split payment as read. `view` is JSON, ready to be sent."""

    split_payment_id: SplitPaymentId
    view: str
    created_at: datetime
    updated_at: datetime
    version: int
    position: int

    @property
    def key(self) -> "SplitPaymentKey":
        """Its place in a list of split payments."""
        return SplitPaymentKey(created_at=self.created_at, split_payment_id=self.split_payment_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredHistoryEntry:
    """An event of a split payment as read. `data` is JSON, ready to be sent."""

    version: int
    position: int
    type: str
    at: datetime
    actor: str
    data: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitPaymentKey:
    """A place in a list of split payments, which runs from the newest to the oldest."""

    created_at: datetime
    split_payment_id: SplitPaymentId


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitPaymentFilters:
    """What split payments to list; None: any. Times are exclusive bounds."""

    status: str | None = None
    user_id: UserId | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


async def find(
    conn: Connection, *, merchant_id: MerchantId, split_payment_id: SplitPaymentId
) -> StoredSplitPayment | None:
    """Return a merchant's split payment, or None when there is none, also when it is another merchant's."""
    async with conn.cursor(row_factory=class_row(StoredSplitPayment)) as cursor:
        await cursor.execute(_SQL.find, {"merchant_id": merchant_id, "split_payment_id": split_payment_id})
        return await cursor.fetchone()


async def history(conn: Connection, split_payment_id: SplitPaymentId) -> list[StoredHistoryEntry]:
    """Return what happened to a split payment, oldest first."""
    async with conn.cursor(row_factory=class_row(StoredHistoryEntry)) as cursor:
        await cursor.execute(_SQL.history, {"split_payment_id": split_payment_id})
        return await cursor.fetchall()


async def page(
    conn: Connection,
    *,
    merchant_id: MerchantId,
    filters: SplitPaymentFilters,
    after: SplitPaymentKey | None,
    limit: int,
) -> list[StoredSplitPayment]:
    """Return up to `limit` split payments of a merchant that come after a key of the list (None: the newest)."""
    parameters = asdict(filters) | {
        "merchant_id": merchant_id,
        "after_created_at": after.created_at if after else None,
        "after_id": after.split_payment_id if after else None,
        "limit": limit,
    }
    async with conn.cursor(row_factory=class_row(StoredSplitPayment)) as cursor:
        # prepare=False: a prepared statement could get a generic plan, blind to which filters are off.
        await cursor.execute(_SQL.page, parameters, prepare=False)
        return await cursor.fetchall()

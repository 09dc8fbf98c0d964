"""The read query of disputes, for the query API."""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from psycopg.rows import class_row

from domain.ids import DisputeId, MerchantId, PaymentId, UserId
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("read.sql"))


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeKey:
    """A place in a list of disputes, which runs by the time until which evidence is taken."""

    due: str
    """As the API shows it; `~`, which sorts behind every time: no evidence is taken."""
    payment_id: PaymentId


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredDispute:
    """The newest dispute of a payment as read, with what identifies the payment."""

    dispute_id: DisputeId
    status: str
    reason: str
    amount_cents: int
    currency: str
    evidence_due_by: str | None
    funds: str
    due: str
    payment_id: PaymentId
    user_id: UserId
    payment_amount_cents: int
    payment_currency: str
    payment_created_at: datetime
    version: int
    updated_at: datetime

    @property
    def key(self) -> DisputeKey:
        """Its place in the list."""
        return DisputeKey(due=self.due, payment_id=self.payment_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeFilters:
    """What disputes to list; None: any."""

    open: bool | None = None
    needs_response: bool | None = None


async def page(
    conn: Connection, *, merchant_id: MerchantId, filters: DisputeFilters, after: DisputeKey | None, limit: int
) -> list[StoredDispute]:
    """Return up to `limit` disputes of a merchant that come after a key of the list (None: the most urgent)."""
    parameters = asdict(filters) | {
        "merchant_id": merchant_id,
        "after_due": after.due if after else None,
        "after_id": after.payment_id if after else None,
        "limit": limit,
    }
    async with conn.cursor(row_factory=class_row(StoredDispute)) as cursor:
        # prepare=False: a prepared statement could get a generic plan, blind to which filters are off.
        await cursor.execute(_SQL.page, parameters, prepare=False)
        return await cursor.fetchall()

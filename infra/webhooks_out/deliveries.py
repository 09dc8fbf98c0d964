"""Deliveries as merchants and operators see them, and what they can have done about them. The caller commits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from psycopg.rows import class_row

from infra.ids import uuid7
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("deliveries.sql"))

_BEFORE_ANY_LOG = datetime(1970, 1, 1, tzinfo=UTC)
"""In year 1, the same moment has no year in a time zone behind UTC, and psycopg does not read it back."""

STATUSES: Mapping[str, Sequence[str]] = {
    "pending": ("waiting", "due", "leased"),
    "delivered": ("delivered",),
    "failed": ("failed",),
}
"""What merchants see, and what it is in the table."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """An event that an endpoint gets. `attempts` are those of this series: a resend begins again."""

    delivery_id: UUID
    endpoint_id: UUID
    merchant_id: str
    event_id: UUID
    payment_id: UUID
    event_type: str
    position: int
    attempts: int
    status: str
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """What came of an attempt. `status` is None when there was no answer; `answer` is its beginning."""

    delivery_id: UUID
    at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    answer: str | None


async def list_deliveries(
    conn: Connection,
    *,
    endpoint_id: UUID | None = None,
    merchant_id: str | None = None,
    status: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Delivery]:
    """Return deliveries of the newest events first. `status` is one of `STATUSES`; `before` is a position."""
    values = {
        "endpoint_id": endpoint_id,
        "merchant_id": merchant_id,
        "statuses": None if status is None else list(STATUSES[status]),
        "before": before,
        "limit": limit,
    }
    async with conn.cursor(row_factory=class_row(Delivery)) as cursor:
        await cursor.execute(_SQL.list_deliveries, values)
        return await cursor.fetchall()


async def list_attempts(conn: Connection, delivery_ids: Sequence[UUID]) -> dict[UUID, list[Attempt]]:
    """Return the attempts of each delivery, in order."""
    found: dict[UUID, list[Attempt]] = {each: [] for each in delivery_ids}
    async with conn.cursor(row_factory=class_row(Attempt)) as cursor:
        await cursor.execute(_SQL.list_attempts, {"delivery_ids": list(delivery_ids)})
        async for attempt in cursor:
            found[attempt.delivery_id].append(attempt)
    return found


class EndpointDisabled(Exception):
    """Nothing is sent to the endpoint: it has to be enabled first."""


async def lock_payments(conn: Connection, pairs: Sequence[tuple[UUID, UUID]]) -> None:
    """Lock (endpoint, payment) pairs until the transaction ends; others who open or end deliveries of them wait."""
    await conn.execute(
        _SQL.lock_payments, {"endpoint_ids": [each for each, _ in pairs], "payment_ids": [each for _, each in pairs]}
    )


async def resend(
    conn: Connection, delivery_id: UUID, *, endpoint_id: UUID | None = None, merchant_id: str | None = None
) -> bool | None:
    """Have a delivery made once more; return None when there is none, False while it is being made.

    In a transaction. Raises EndpointDisabled.
    """
    values = {"delivery_id": delivery_id, "endpoint_id": endpoint_id, "merchant_id": merchant_id}
    row = await (await conn.execute(_SQL.find_for_resend, values)).fetchone()
    if row is None:
        return None
    found_endpoint, payment_id, enabled = row
    if not enabled:
        raise EndpointDisabled
    await lock_payments(conn, [(found_endpoint, payment_id)])
    cursor = await conn.execute(_SQL.resend, values)
    return await cursor.fetchone() is not None


async def request_replay(
    conn: Connection, *, endpoint_id: UUID, from_at: datetime, until_at: datetime, actor: str
) -> UUID | None:
    """Ask for all events that were recorded in a time to be sent once more; return the replay's id.

    None while another replay of the endpoint is under way.
    """
    values = {
        "replay_id": uuid7(),
        "endpoint_id": endpoint_id,
        "from_at": max(from_at, _BEFORE_ANY_LOG),
        "until_at": max(until_at, _BEFORE_ANY_LOG),
        "actor": actor,
    }
    row = await (await conn.execute(_SQL.request_replay, values)).fetchone()
    return None if row is None else UUID(str(row[0]))

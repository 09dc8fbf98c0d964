"""The rows of deliveries: who gets which event, and what came of it. The caller commits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from psycopg.rows import class_row, scalar_row

from domain.ids import EventId, MerchantId, PaymentId, WebhookEndpointId
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from infra.webhooks_out.deliveries import lock_payments
from infra.webhooks_out.transport import Answer

SQL = Queries.load(Path(__file__).with_name("store.sql"))
REMOVED_AT_ONCE = 1000
_MOST_COUNTED = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class ActiveEndpoint:
    """An endpoint that is sent what is recorded from `active_since` on. No `event_types`: all."""

    merchant_id: MerchantId
    endpoint_id: WebhookEndpointId
    event_types: Sequence[str]
    active_since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class NewDelivery:
    """An event that an endpoint gets."""

    endpoint_id: WebhookEndpointId
    event_id: EventId
    payment_id: PaymentId
    version: int
    position: int
    event_type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LeasedDelivery:
    """A delivery that is ours to make. `secret` and `previous_secrets` are encrypted; `attempts` counts this one."""

    delivery_id: UUID
    endpoint_id: WebhookEndpointId
    event_id: EventId
    payment_id: PaymentId
    version: int
    event_type: str
    lease_token: UUID
    attempts: int
    merchant_id: MerchantId
    url: str
    secret: bytes
    previous_secrets: Sequence[bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Failing:
    """Since when an endpoint took nothing (Unix seconds), for how long, and how many attempts failed."""

    failing_since: int
    failing_s: float
    failures: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """Deliveries that are open, how long the oldest is due, and endpoints."""

    pending: int
    oldest_due_s: float
    failing: int
    disabled: int
    enabled: int


async def has_endpoints(conn: Connection) -> bool:
    """Return whether any merchant has an endpoint that is enabled."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(SQL.has_endpoints)
        return bool(await cursor.fetchone())


async def active_endpoints(
    conn: Connection, merchant_ids: Collection[MerchantId]
) -> Mapping[MerchantId, Sequence[ActiveEndpoint]]:
    """Return the endpoints of these merchants that are enabled; most merchants have none."""
    found: dict[MerchantId, list[ActiveEndpoint]] = {}
    async with conn.cursor(row_factory=class_row(ActiveEndpoint)) as cursor:
        await cursor.execute(SQL.active_endpoints, {"merchant_ids": list(merchant_ids)})
        async for endpoint in cursor:
            found.setdefault(endpoint.merchant_id, []).append(endpoint)
    return found


async def add(conn: Connection, deliveries: Sequence[NewDelivery], *, again: bool = False) -> int:
    """Write deliveries, each once; return how many are new. `again`: what has ended begins again, and counts too."""
    payments = list({(each.endpoint_id, each.payment_id) for each in deliveries})
    await lock_payments(conn, payments)
    values = {
        "endpoint_ids": [each.endpoint_id for each in deliveries],
        "event_ids": [each.event_id for each in deliveries],
        "payment_ids": [each.payment_id for each in deliveries],
        "versions": [each.version for each in deliveries],
        "positions": [each.position for each in deliveries],
        "event_types": [each.event_type for each in deliveries],
    }
    cursor = await conn.execute(SQL.add_again if again else SQL.add, values)
    written = cursor.rowcount
    if again or written < len(deliveries):  # what was there may be what the others would wait for
        await promote(conn, payments)
    return written


async def promote(conn: Connection, payments: Sequence[tuple[UUID, UUID]]) -> None:
    """Have the first open delivery of each (endpoint, payment) made; they are locked by `lock_payments`."""
    values = {"endpoint_ids": [each for each, _ in payments], "payment_ids": [each for _, each in payments]}
    await conn.execute(SQL.promote, values)


async def finish(conn: Connection, delivery: LeasedDelivery, *, status: str, delay_s: float = 0.0) -> bool:
    """End a delivery, or have it made again `delay_s` from now; return False when the lease is not ours any more."""
    await lock_payments(conn, [(delivery.endpoint_id, delivery.payment_id)])
    values = {
        "delivery_id": delivery.delivery_id,
        "lease_token": delivery.lease_token,
        "status": status,
        "delay_s": delay_s,
    }
    cursor = await conn.execute(SQL.finish, values)
    if await cursor.fetchone() is None:
        return False
    if status != "due":
        await promote(conn, [(delivery.endpoint_id, delivery.payment_id)])
    return True


async def log_attempt(conn: Connection, delivery: LeasedDelivery, answer: Answer) -> None:
    """Write what came of an attempt."""
    values = {
        "delivery_id": delivery.delivery_id,
        "duration_ms": answer.duration_ms,
        "status": answer.status,
        "error": answer.error,
        "answer": answer.body,
    }
    await conn.execute(SQL.log_attempt, values)


async def has_moved(conn: Connection, delivery: LeasedDelivery) -> bool:
    """Return whether the endpoint has another address than the one that the delivery was sent to."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(SQL.has_moved, _address(delivery))
        return bool(await cursor.fetchone())


async def endpoint_works(conn: Connection, delivery: LeasedDelivery) -> None:
    """Write that the endpoint took something, unless it has moved since."""
    await conn.execute(SQL.endpoint_works, _address(delivery))


async def endpoint_fails(conn: Connection, delivery: LeasedDelivery) -> Failing | None:
    """Write that the endpoint took nothing; return for how long. None: it is disabled, or has moved since."""
    async with conn.cursor(row_factory=class_row(Failing)) as cursor:
        await cursor.execute(SQL.endpoint_fails, _address(delivery))
        return await cursor.fetchone()


async def disable(conn: Connection, endpoint_id: WebhookEndpointId, *, because: str) -> bool:
    """Send nothing any more to an endpoint; return False when that is so already."""
    cursor = await conn.execute(SQL.disable, {"endpoint_id": endpoint_id, "because": because})
    return await cursor.fetchone() is not None


async def count_due(conn: Connection) -> Counts:
    """Return what metrics show."""
    async with conn.cursor(row_factory=class_row(Counts)) as cursor:
        await cursor.execute(SQL.count_due, {"most": _MOST_COUNTED})
        row = await cursor.fetchone()
    assert row is not None
    return row


async def remove_old(conn: Connection, *, retention_s: int) -> int:
    """Remove some of what ended long ago, or is of deleted endpoints, and ended secrets; return how many deliveries."""
    removed = 0
    for statement in (SQL.remove_finished, SQL.remove_of_deleted):
        cursor = await conn.execute(statement, {"retention_s": retention_s, "limit": REMOVED_AT_ONCE})
        removed += cursor.rowcount
    await conn.execute(SQL.remove_ended_secrets)
    await conn.execute(SQL.remove_deleted)
    return removed


def _address(delivery: LeasedDelivery) -> dict[str, object]:
    return {"endpoint_id": delivery.endpoint_id, "url": delivery.url}

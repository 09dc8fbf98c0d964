"""Claims due deliveries by lease: one in flight for each payment and endpoint, and endpoints take turns.

An endpoint that fails gets one attempt at a time, and those that fail have half of the places at most: they wait for a
time-out each, and the others must not wait with them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row

from consumers.webhooks_out.store import SQL, LeasedDelivery
from domain.ids import WebhookEndpointId
from infra.postgres.pool import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Lane:
    """An endpoint that something is due for."""

    endpoint_id: WebhookEndpointId
    is_failing: bool


def share(
    lanes: Sequence[Lane], in_flight: Mapping[WebhookEndpointId, int], *, capacity: int, places: int, per_endpoint: int
) -> dict[WebhookEndpointId, int]:
    """Return how many deliveries of each endpoint may be claimed. `places`: how many may be in flight in all."""
    quotas: dict[WebhookEndpointId, int] = {}
    failing_left = max(1, places // 2) - sum(1 for lane in lanes if lane.is_failing and in_flight.get(lane.endpoint_id))
    for lane in lanes:
        most = 1 if lane.is_failing else per_endpoint
        quota = min(capacity, most - in_flight.get(lane.endpoint_id, 0))
        if lane.is_failing and quota > 0:
            if failing_left <= 0:
                continue
            failing_left -= 1
        if quota > 0:
            quotas[lane.endpoint_id] = quota
    return quotas


async def find_lanes(conn: Connection) -> list[Lane]:
    """Return the endpoints that something is due for, those that have waited longest first."""
    async with conn.cursor(row_factory=class_row(Lane)) as cursor:
        await cursor.execute(SQL.find_lanes)
        return await cursor.fetchall()


async def claim(
    conn: Connection, quotas: Mapping[WebhookEndpointId, int], *, limit: int, lease_ms: int
) -> list[LeasedDelivery]:
    """Lease up to `limit` due deliveries, of as many payments. The caller commits before it acts on them."""
    if not quotas:
        return []
    values = {"endpoint_ids": list(quotas), "quotas": list(quotas.values()), "limit": limit}
    cursor = await conn.execute(SQL.lock_due, values)
    delivery_ids: list[UUID] = [row[0] for row in await cursor.fetchall()]
    if not delivery_ids:
        return []
    async with conn.cursor(row_factory=class_row(LeasedDelivery)) as leased:
        await leased.execute(SQL.lease, {"delivery_ids": delivery_ids, "lease_ms": lease_ms})
        return await leased.fetchall()

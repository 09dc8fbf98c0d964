"""Claims due tasks by lease: at most one in flight for each payment, and the merchants take turns."""

from collections.abc import Sequence
from pathlib import Path

from psycopg.rows import dict_row

from consumers.tasks.fair_claims import FairClaims, Lane, Quota, Rank, Scan
from consumers.tasks.models import Task, TaskOperation
from domain.ids import EventId, MerchantId, PaymentId
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("claims.sql"))
_LANES = 100
"""The most lanes of a rank that are looked at in one statement."""
_CLAIM_ROUNDS = 10


async def claim(conn: Connection, *, limit: int, lease_ms: int, fair_claims: FairClaims | None = None) -> list[Task]:
    """Lease up to `limit` due tasks, of as many payments. The caller commits before it acts on them.

    In a transaction at READ COMMITTED: each statement has to see what others committed before it. `fair_claims` is kept
    from one claim to the next. An operation that is not known here is left to a newer version.
    """
    fair_claims = FairClaims() if fair_claims is None else fair_claims
    fair_claims.begin()
    claimed: list[Task] = []
    for _ in range(_CLAIM_ROUNDS):
        capacity = limit - len(claimed)
        lanes = await _find_lanes(conn, fair_claims.scans)
        quotas = fair_claims.share(lanes, limit=capacity)
        taken = [task.payment_id for task in claimed]  # a short lease may have run out already
        rows = await _lock_due(conn, quotas, limit=capacity, taken=taken) if quotas else []
        leased, blocked = await _lease(conn, [event_id for event_id, _, _ in rows], lease_ms=lease_ms)
        claimed += leased
        has_more = fair_claims.advance(
            lanes, [(rank, merchant_id) for _, rank, merchant_id in rows], steps=_LANES, is_full=len(rows) >= capacity
        )
        if len(claimed) >= limit or not (leased or blocked or has_more):
            break
    return claimed


async def _find_lanes(conn: Connection, scans: Sequence[Scan]) -> list[Lane]:
    cursor = await conn.execute(
        _SQL.find_lanes,
        {
            "ranks": [scan.rank for scan in scans],
            "after": [scan.after for scan in scans],
            "steps": _LANES,
        },
    )
    return [
        Lane(scan=scan, rank=Rank(rank), merchant_id=merchant_id, is_due=is_due)
        for scan, rank, merchant_id, is_due in await cursor.fetchall()
    ]


async def _lock_due(
    conn: Connection, quotas: Sequence[Quota], *, limit: int, taken: Sequence[PaymentId]
) -> list[tuple[EventId, Rank, MerchantId]]:
    cursor = await conn.execute(
        _SQL.lock_due,
        {
            "ranks": [quota.rank for quota in quotas],
            "merchant_ids": [quota.merchant_id for quota in quotas],
            "quotas": [quota.limit for quota in quotas],
            "operations": [operation.value for operation in TaskOperation],
            "taken": list(taken),
            "limit": limit,
        },
    )
    return [(event_id, Rank(rank), merchant_id) for event_id, rank, merchant_id in await cursor.fetchall()]


async def _lease(conn: Connection, event_ids: Sequence[EventId], *, lease_ms: int) -> tuple[list[Task], int]:
    """Lease what may be leased of the locked tasks; return it, and how many tasks were found blocked."""
    if not event_ids:
        return [], 0
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL.lease, {"event_ids": list(event_ids), "lease_ms": lease_ms})
        rows = await cursor.fetchall()
        blocked = 0
        if len(rows) < len(event_ids):
            await cursor.execute(_SQL.block, {"event_ids": list(event_ids)})
            blocked = cursor.rowcount
    return [Task(**{**row, "operation": TaskOperation(row["operation"])}) for row in rows], blocked

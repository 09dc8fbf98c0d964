"""Claims due tasks by lease: at most one in flight for each payment, and the merchants take turns."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from psycopg.rows import dict_row

from consumers.tasks.fair_claims import Lane, Rank, Turn, Turns
from consumers.tasks.models import Operation, Task
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("claims.sql"))
_LANES = 100
"""The most lanes of a rank that are looked at in one statement."""
_CLAIM_ROUNDS = 10


async def claim(conn: Connection, *, limit: int, lease_ms: int, turns: Turns | None = None) -> list[Task]:
    """Lease up to `limit` due tasks, of as many payments. The caller commits before it acts on them.

    In a transaction at READ COMMITTED: each statement has to see what others committed before it. `turns` remembers,
    from one claim to the next, whose turn it is. An operation that is not known here is left to a newer version.
    """
    turns = Turns() if turns is None else turns
    turns.begin()
    claimed: list[Task] = []
    for _ in range(_CLAIM_ROUNDS):
        room = limit - len(claimed)
        lanes = await _find_lanes(conn, turns)
        wanted = turns.share(lanes, limit=room)
        taken = [task.payment_id for task in claimed]  # a short lease may have run out already
        rows = await _lock_due(conn, wanted, limit=room, taken=taken) if wanted else []
        leased, blocked = await _lease(conn, [event_id for event_id, _, _ in rows], lease_ms=lease_ms)
        claimed += leased
        goes_on = turns.took(
            lanes, [(rank, merchant_id) for _, rank, merchant_id in rows], steps=_LANES, is_full=len(rows) >= room
        )
        if len(claimed) >= limit or not (leased or blocked or goes_on):
            break
    return claimed


async def _find_lanes(conn: Connection, turns: Turns) -> list[Lane]:
    cursor = await conn.execute(
        _SQL.find_lanes,
        {"ranks": [walk.rank for walk in turns.walks], "after": [walk.after for walk in turns.walks], "steps": _LANES},
    )
    return [
        Lane(walk=walk, rank=Rank(rank), merchant_id=merchant_id, is_due=is_due)
        for walk, rank, merchant_id, is_due in await cursor.fetchall()
    ]


async def _lock_due(
    conn: Connection, turns: Sequence[Turn], *, limit: int, taken: Sequence[UUID]
) -> list[tuple[UUID, Rank, str]]:
    cursor = await conn.execute(
        _SQL.lock_due,
        {
            "ranks": [turn.rank for turn in turns],
            "merchant_ids": [turn.merchant_id for turn in turns],
            "places": [turn.places for turn in turns],
            "operations": [operation.value for operation in Operation],
            "taken": list(taken),
            "limit": limit,
        },
    )
    return [(event_id, Rank(rank), merchant_id) for event_id, rank, merchant_id in await cursor.fetchall()]


async def _lease(conn: Connection, event_ids: Sequence[UUID], *, lease_ms: int) -> tuple[list[Task], int]:
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
    return [Task(**{**row, "operation": Operation(row["operation"])}) for row in rows], blocked

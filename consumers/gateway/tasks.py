"""The rows of `consumers.gateway_tasks`: one for each Stripe call that an event asked for.

And one for each payment that ever was to be refreshed: read again at Stripe, as something there may have changed.
No event asks for that, so it has a row of its own that is used again each time (`refresh_id`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from uuid import UUID, uuid5

from psycopg.rows import dict_row

from consumers.gateway.turns import Lane, Rank, Turn, Turns
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("tasks.sql"))
RECONCILIATION = "reconciliation"
"""Who is named as the actor of what a refresh finds that a reconciliation asked for."""
_LANES = 100
"""The most lanes of a rank that are looked at in one statement."""
_CLAIM_ROUNDS = 10
_REFRESHES = UUID("5f0a1c52-3a55-5d5e-9a3c-7f6b7c1f2d10")


class Operation(StrEnum):
    """What is to be asked of Stripe."""

    CREATE_INTENT = "create_intent"
    CONFIRM_INTENT = "confirm_intent"
    CAPTURE_INTENT = "capture_intent"
    CANCEL_INTENT = "cancel_intent"
    CREATE_REFUND = "create_refund"
    REFRESH_PAYMENT = "refresh_payment"
    """Nothing is to be changed: the payment is read, with its refunds and disputes."""


class TaskStatus(StrEnum):
    """Where a task stands."""

    DUE = "due"
    LEASED = "leased"
    UNKNOWN = "unknown"
    """The call may have had an effect and must not be sent again: Stripe is asked what became of it."""
    DONE = "done"
    DEAD = "dead"
    """Not to be helped by trying again; a person has to look. The payment's later tasks wait, refreshes do not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewTask:
    """A wanted call. `event_id` is the task's identity and Stripe's idempotency key."""

    event_id: UUID
    payment_id: UUID
    merchant_id: str
    operation: Operation
    position: int
    correlation_id: str
    traceparent: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRefresh:
    """A payment that is to be read at Stripe again. `position` is that of the event that says so, 0 for none.

    `asked_by` is RECONCILIATION when that asked for it. It does not follow from the correlation id, which a client may
    have chosen.
    """

    payment_id: UUID
    merchant_id: str
    position: int
    correlation_id: str
    traceparent: str | None = None
    asked_by: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Task(NewTask):
    """A claimed task. The lease, known by its token, is ours until it runs out."""

    lease_token: UUID
    attempts: int
    """With this one. Above 1, an earlier one may have reached Stripe."""
    age_s: float
    """Since the first attempt."""
    outcome_unknown: bool
    """It must not be sent again."""
    asked_by: str | None = None

    @property
    def heals(self) -> bool:
        """Whether a reconciliation asked for it, as a webhook was lost."""
        return self.operation is Operation.REFRESH_PAYMENT and self.asked_by == RECONCILIATION


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """How a claimed task is put back: `delay_s` from now it can be claimed again, unless it is done or dead.

    `position` is the one that it was claimed with. `unsent`: the attempt does not count, as Stripe was not called.
    """

    event_id: UUID
    position: int
    status: TaskStatus
    delay_s: float = 0.0
    error: str | None = None
    unsent: bool = False


def refresh_id(payment_id: UUID) -> UUID:
    """Return the id of the task that refreshes a payment: the same each time."""
    return uuid5(_REFRESHES, str(payment_id))


async def insert_tasks(conn: Connection, tasks: Sequence[NewTask]) -> None:
    """Write tasks; those that are there already stay as they are."""
    await conn.execute(
        _SQL.insert_tasks,
        {
            "event_ids": [task.event_id for task in tasks],
            "payment_ids": [task.payment_id for task in tasks],
            "merchant_ids": [task.merchant_id for task in tasks],
            "operations": [task.operation.value for task in tasks],
            "positions": [task.position for task in tasks],
            "correlation_ids": [task.correlation_id for task in tasks],
            "traceparents": [task.traceparent for task in tasks],
        },
    )


async def ask_for_refreshes(conn: Connection, refreshes: Sequence[NewRefresh], *, delay_s: float = 0.0) -> None:
    """Have payments read at Stripe, `delay_s` from now at the latest; each stands in the call once.

    Those that are waiting for it already are read once. One that is being read at this moment is read once more, since
    what is new may have come after it was read.
    """
    await conn.execute(
        _SQL.ask_for_refreshes,
        {
            "event_ids": [refresh_id(refresh.payment_id) for refresh in refreshes],
            "payment_ids": [refresh.payment_id for refresh in refreshes],
            "merchant_ids": [refresh.merchant_id for refresh in refreshes],
            "positions": [refresh.position for refresh in refreshes],
            "correlation_ids": [refresh.correlation_id for refresh in refreshes],
            "traceparents": [refresh.traceparent for refresh in refreshes],
            "asked_by": [refresh.asked_by for refresh in refreshes],
            "delay_s": delay_s,
        },
    )


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


async def lock_leased(conn: Connection, tasks: Sequence[Task]) -> set[UUID]:
    """Return the ids of the tasks whose lease is still ours; they stay locked until the transaction ends."""
    cursor = await conn.execute(
        _SQL.lock_leased,
        {
            "event_ids": [task.event_id for task in tasks],
            "lease_tokens": [task.lease_token for task in tasks],
        },
    )
    return {row[0] for row in await cursor.fetchall()}


async def settle(conn: Connection, endings: Sequence[Ending]) -> None:
    """End or reschedule tasks that `lock_leased` returned in this transaction."""
    await conn.execute(
        _SQL.settle,
        {
            "event_ids": [ending.event_id for ending in endings],
            "positions": [ending.position for ending in endings],
            "statuses": [ending.status.value for ending in endings],
            "delays_s": [ending.delay_s for ending in endings],
            "errors": [ending.error for ending in endings],
            "unsent": [ending.unsent for ending in endings],
        },
    )


async def find_stuck(conn: Connection, payment_ids: Sequence[UUID]) -> list[tuple[UUID, UUID]]:
    """Return event id and payment id of the payments' tasks that were tried and wait; refreshes are not among them."""
    cursor = await conn.execute(_SQL.find_stuck, {"payment_ids": list(payment_ids)})
    return [(row[0], row[1]) for row in await cursor.fetchall()]


async def hasten(conn: Connection, event_ids: Sequence[UUID]) -> None:
    """Have tasks that wait, and dead ones, claimed at once."""
    await conn.execute(_SQL.hasten, {"event_ids": list(event_ids)})


async def count_open(conn: Connection) -> dict[str, int]:
    """Return how many tasks are in each status but done."""
    cursor = await conn.execute(_SQL.count_open)
    return dict(await cursor.fetchall())

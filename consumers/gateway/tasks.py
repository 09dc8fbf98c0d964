"""The rows of `consumers.gateway_tasks`: one for each Stripe call that an event asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from psycopg.rows import dict_row

from infra.postgres import Connection, Queries

_SQL = Queries.load(Path(__file__).with_name("tasks.sql"))


class Operation(StrEnum):
    """What is to be asked of Stripe."""

    CREATE_INTENT = "create_intent"
    CONFIRM_INTENT = "confirm_intent"
    CAPTURE_INTENT = "capture_intent"
    CANCEL_INTENT = "cancel_intent"
    CREATE_REFUND = "create_refund"


class TaskStatus(StrEnum):
    """Where a task stands."""

    DUE = "due"
    LEASED = "leased"
    UNKNOWN = "unknown"
    """The call may have had an effect and must not be sent again: Stripe is asked what became of it."""
    DONE = "done"
    DEAD = "dead"
    """Not to be helped by trying again; a person has to look. The payment's later tasks wait."""


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
class Task(NewTask):
    """A claimed task. The lease, known by its token, is ours until it runs out."""

    lease_token: UUID
    attempts: int
    """With this one. Above 1, an earlier one may have reached Stripe."""
    age_s: float
    """Since the first attempt."""
    outcome_unknown: bool
    """It must not be sent again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """How a claimed task is put back: `delay_s` from now it can be claimed again, unless it is done or dead."""

    event_id: UUID
    status: TaskStatus
    delay_s: float = 0.0
    error: str | None = None


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


async def claim(conn: Connection, *, limit: int, lease_ms: int) -> list[Task]:
    """Lease up to `limit` due tasks. The caller commits before it acts on them."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL.claim, {"limit": limit, "lease_ms": lease_ms})
        rows = await cursor.fetchall()
    return [Task(**{**row, "operation": Operation(row["operation"])}) for row in rows]


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
            "statuses": [ending.status.value for ending in endings],
            "delays_s": [ending.delay_s for ending in endings],
            "errors": [ending.error for ending in endings],
        },
    )


async def count_open(conn: Connection) -> dict[str, int]:
    """Return how many tasks are in each status but done."""
    cursor = await conn.execute(_SQL.count_open)
    return dict(await cursor.fetchall())

"""The rows of `consumers.gateway_tasks`: who has a call of Stripe made writes them, who made it completes them.

Not for: claiming them (`claims`), and what operators do about them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg.rows import class_row

from consumers.tasks.models import NewRefresh, NewTask, Task, refresh_id
from consumers.tasks.results import TaskResult
from domain.ids import EventId, PaymentId
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("store.sql"))


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


async def request_refreshes(conn: Connection, refreshes: Sequence[NewRefresh], *, delay_s: float = 0.0) -> None:
    """Have payments read at Stripe, `delay_s` from now at the latest; each stands in the call once.

    Those that are waiting for it already are read once. One that is being read at this moment is read once more, since
    what is new may have come after it was read.
    """
    await conn.execute(
        _SQL.request_refreshes,
        {
            "event_ids": [refresh_id(refresh.payment_id) for refresh in refreshes],
            "payment_ids": [refresh.payment_id for refresh in refreshes],
            "merchant_ids": [refresh.merchant_id for refresh in refreshes],
            "positions": [refresh.position for refresh in refreshes],
            "correlation_ids": [refresh.correlation_id for refresh in refreshes],
            "traceparents": [refresh.traceparent for refresh in refreshes],
            "requested_by": [refresh.requested_by for refresh in refreshes],
            "delay_s": delay_s,
        },
    )


async def lock_leased(conn: Connection, tasks: Sequence[Task]) -> set[EventId]:
    """Return the ids of the tasks whose lease is still ours; they stay locked until the transaction ends."""
    cursor = await conn.execute(
        _SQL.lock_leased,
        {
            "event_ids": [task.event_id for task in tasks],
            "lease_tokens": [task.lease_token for task in tasks],
        },
    )
    return {row[0] for row in await cursor.fetchall()}


async def write_results(conn: Connection, results: Sequence[tuple[Task, TaskResult]]) -> None:
    """End or reschedule tasks that `lock_leased` returned in this transaction."""
    await conn.execute(
        _SQL.write_results,
        {
            "event_ids": [task.event_id for task, _ in results],
            "positions": [task.position for task, _ in results],
            "statuses": [result.status.value for _, result in results],
            "delays_s": [result.delay_s for _, result in results],
            "errors": [result.error for _, result in results],
            "deferred": [result.deferred for _, result in results],
        },
    )


async def find_stuck(conn: Connection, payment_ids: Sequence[PaymentId]) -> list[tuple[EventId, PaymentId]]:
    """Return event id and payment id of the payments' tasks that were tried and wait; refreshes are not among them."""
    cursor = await conn.execute(_SQL.find_stuck, {"payment_ids": list(payment_ids)})
    return [(row[0], row[1]) for row in await cursor.fetchall()]


async def make_due(conn: Connection, event_ids: Sequence[EventId]) -> None:
    """Have tasks that wait, and dead ones, claimed now."""
    await conn.execute(_SQL.make_due, {"event_ids": list(event_ids)})


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenTasks:
    """How many tasks have a status, and how long ago the first call among them was wanted that none holds up."""

    status: str
    tasks: int
    longest_s: float


async def count_open(conn: Connection) -> dict[str, OpenTasks]:
    """Return what there is in each status but done."""
    async with conn.cursor(row_factory=class_row(OpenTasks)) as cursor:
        await cursor.execute(_SQL.count_open)
        return {each.status: each for each in await cursor.fetchall()}

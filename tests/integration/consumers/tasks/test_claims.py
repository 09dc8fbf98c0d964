"""What a claim looks at, and whose tasks it takes first."""

import asyncio
import random
import uuid
from collections import Counter
from typing import Any

import psycopg
import pytest

from consumers.tasks.claims import claim
from consumers.tasks.fair_claims import FairClaims
from consumers.tasks.models import NewTask, Task, TaskOperation, TaskStatus
from consumers.tasks.results import TaskResult
from consumers.tasks.store import insert_tasks, lock_leased, write_results
from domain.ids import EventId, MerchantId, PaymentId
from infra.postgres.pool import Pool
from tests.support.database import Database

pytestmark = pytest.mark.integration

PAGES = 40
"""The most pages of memory that a statement of a claim may touch here."""


def new_task(
    payment_id: PaymentId | None = None,
    position: int = 1,
    *,
    merchant: str = "m",
    operation: TaskOperation = TaskOperation.CREATE_INTENT,
) -> NewTask:
    return NewTask(
        event_id=EventId(uuid.uuid4()),
        payment_id=PaymentId(payment_id or uuid.uuid4()),
        merchant_id=MerchantId(merchant),
        operation=operation,
        position=position,
        correlation_id="c",
        traceparent=None,
    )


async def insert(pool: Pool, *tasks: NewTask) -> None:
    async with pool.connection() as conn:
        await insert_tasks(conn, tasks)


async def claim_some(pool: Pool, *, limit: int = 10, fair_claims: FairClaims | None = None) -> list[Task]:
    async with pool.connection() as conn:
        return await claim(conn, limit=limit, lease_ms=30_000, fair_claims=fair_claims)


async def end(pool: Pool, task: Task, status: TaskStatus = TaskStatus.DONE) -> None:
    async with pool.connection() as conn:
        await lock_leased(conn, [task])
        await write_results(conn, [(task, TaskResult(status=status))])


async def kill(pool: Pool, tasks: list[NewTask]) -> None:
    """Have tasks claimed and end as dead letters."""
    await insert(pool, *tasks)
    while claimed := await claim_some(pool, limit=500):
        async with pool.connection() as conn:
            await lock_leased(conn, claimed)
            await write_results(
                conn,
                [(task, TaskResult(status=TaskStatus.DEAD)) for task in claimed],
            )


async def plans_of_a_claim(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return how each statement of a claim was executed."""
    plans: list[dict[str, Any]] = []
    execute = psycopg.AsyncCursor.execute

    async def explained(cursor: psycopg.AsyncCursor[Any], query: Any, params: Any = None, **options: Any) -> Any:
        conn = cursor.connection
        async with conn.transaction(force_rollback=True):
            beside = psycopg.AsyncCursor[Any](conn)
            await execute(beside, "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + query, params)
            row = await beside.fetchone()
            assert row is not None
            plans.append(row[0][0]["Plan"])
        return await execute(cursor, query, params, **options)

    async with pool.connection() as conn:
        monkeypatch.setattr(psycopg.AsyncCursor, "execute", explained)
        await claim(conn, limit=16, lease_ms=30_000)
        monkeypatch.undo()
    return plans


def pages(plan: dict[str, Any]) -> int:
    """How many pages were touched."""
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


@pytest.mark.parametrize("per_payment", [1, 500])
async def test_a_claim_looks_at_no_task_that_is_blocked(
    pool: Pool, database: Database, monkeypatch: pytest.MonkeyPatch, per_payment: int
) -> None:
    dead = [new_task(position=number + 1) for number in range(3000 // per_payment)]
    await kill(pool, dead)
    behind = [
        new_task(each.payment_id, each.position + 10_000 * (lap + 1), operation=TaskOperation.CANCEL_INTENT)
        for each in dead
        for lap in range(per_payment)
    ]
    await insert(pool, *behind)
    for _ in range(60):  # each is met once
        assert await claim_some(pool, limit=100) == []
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as conn:
        await conn.execute("VACUUM ANALYZE consumers.gateway_tasks")
    free = new_task(position=1)
    await insert(pool, free)
    assert max(map(pages, await plans_of_a_claim(pool, monkeypatch))) <= PAGES


async def test_a_blocked_task_is_met_once_and_claimed_when_its_turn_has_come(pool: Pool) -> None:
    payment = PaymentId(uuid.uuid4())
    await insert(pool, *(new_task(payment, position) for position in (1, 2, 3)))
    for position in (1, 2, 3):
        (task,) = await claim_some(pool)
        assert task.position == position
        assert await claim_some(pool) == []
        await end(pool, task)
    assert await claim_some(pool) == []


async def test_what_is_blocked_is_freed_whoever_ends_what_it_waited_for(pool: Pool) -> None:
    payment = PaymentId(uuid.uuid4())
    await insert(pool, new_task(payment, 1), new_task(payment, 2))
    (first,) = await claim_some(pool)
    assert await claim_some(pool) == []
    async with pool.connection() as conn:  # as a gateway of before, or an operator, does
        await conn.execute(
            "UPDATE consumers.gateway_tasks SET status = 'done', lease_token = NULL WHERE event_id = %s",
            [first.event_id],
        )
    (second,) = await claim_some(pool)
    assert second.position == 2


async def test_no_task_waits_for_one_that_ended_while_it_was_looked_at(pool: Pool) -> None:
    payments = [PaymentId(uuid.uuid4()) for _ in range(8)]
    last, left = 40, 8 * 40

    async def writer() -> None:
        for position in range(1, last + 1):
            await insert(pool, *(new_task(payment, position) for payment in payments))

    async def worker(number: int) -> None:
        nonlocal left
        rng = random.Random(number)
        while left:
            for task in await claim_some(pool, limit=rng.randint(1, 8)):
                await asyncio.sleep(rng.random() / 500)  # what the work takes, while others claim
                await end(pool, task)
                left -= 1

    async with asyncio.timeout(60):
        await asyncio.gather(writer(), *(worker(number) for number in range(5)))
    assert left == 0


async def test_the_backlog_of_a_merchant_does_not_delay_the_others(pool: Pool) -> None:
    await insert(pool, *(new_task(merchant="busy", position=number) for number in range(1, 200)))
    await insert(pool, *(new_task(merchant=f"small-{number}", position=500 + number) for number in range(3)))
    claimed = Counter(task.merchant_id for task in await claim_some(pool, limit=8))
    assert claimed == {"busy": 5, "small-0": 1, "small-1": 1, "small-2": 1}


async def test_merchants_take_turns_when_one_task_is_claimed_at_a_time(pool: Pool) -> None:
    for merchant in ("a", "b", "c"):
        await insert(pool, *(new_task(merchant=merchant, position=number) for number in range(1, 5)))
    fair_claims, order = FairClaims(), list[str]()
    while claimed := await claim_some(pool, limit=1, fair_claims=fair_claims):
        order += [task.merchant_id for task in claimed]
    assert order == ["a", "b", "c"] * 4


async def test_a_merchant_behind_many_whose_tasks_are_not_due_has_its_turn(pool: Pool) -> None:
    await insert(pool, *(new_task(merchant=f"later-{number:04}") for number in range(350)))
    async with pool.connection() as conn:
        await conn.execute("UPDATE consumers.gateway_tasks SET due_at = now() + interval '1 hour'")
    await insert(pool, new_task(merchant="now"))
    assert [task.merchant_id for task in await claim_some(pool, limit=1)] == ["now"]


async def test_payments_go_before_refunds_and_these_before_refreshes(pool: Pool) -> None:
    backlog = [TaskOperation.REFRESH_PAYMENT, TaskOperation.CREATE_REFUND, TaskOperation.CAPTURE_INTENT]
    for operation in backlog:
        await insert(pool, *(new_task(operation=operation) for _ in range(3)))
    order = [(await claim_some(pool, limit=3, fair_claims=FairClaims()))[0].operation for _ in backlog]
    assert order == list(reversed(backlog))


async def test_an_operation_of_a_newer_version_is_left_to_that_version(pool: Pool, database: Database) -> None:
    newer, known = new_task(position=1), new_task(position=2)
    behind = new_task(newer.payment_id, 3)
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as conn:
        await conn.execute("ALTER TABLE consumers.gateway_tasks DROP CONSTRAINT gateway_tasks_operation_check")
        await insert(pool, newer, known, behind)
        await conn.execute(
            "UPDATE consumers.gateway_tasks SET operation = 'pay_out' WHERE event_id = %s", [newer.event_id]
        )
    assert [task.event_id for task in await claim_some(pool)] == [known.event_id]
    assert await claim_some(pool) == []

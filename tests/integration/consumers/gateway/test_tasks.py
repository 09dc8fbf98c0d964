"""Claiming: a task is one worker's at a time, and a payment's tasks run one after another."""

import asyncio
import random
import uuid
from collections import defaultdict

import pytest

from consumers.gateway.completion import TaskCompleter
from consumers.gateway.decision import FinishedCall
from consumers.tasks.claims import claim
from consumers.tasks.models import NewTask, Task, TaskOperation, TaskStatus
from consumers.tasks.results import TaskResult
from consumers.tasks.store import insert_tasks, lock_leased, write_results
from domain.ids import AttemptId, EventId, MerchantId, PaymentId, RequestId, StripeChargeId, StripeIntentId
from domain.money import Money
from domain.payment.commands import CancelPayment
from domain.payment.observations import RecordAttemptFailed, RecordSucceeded
from event_store.payments import load_payment
from infra.postgres.pool import Pool
from tests.integration.consumers.gateway.gateway_without_kafka import Payments
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


def new_task(payment_id: PaymentId, position: int) -> NewTask:
    return NewTask(
        event_id=EventId(uuid.uuid4()),
        payment_id=payment_id,
        merchant_id=MerchantId("m"),
        operation=TaskOperation.CREATE_INTENT,
        position=position,
        correlation_id="c",
        traceparent=None,
    )


async def insert(pool: Pool, *tasks: NewTask) -> None:
    async with pool.connection() as conn:
        await insert_tasks(conn, tasks)


async def claim_some(pool: Pool, *, limit: int = 10, lease_ms: int = 30_000) -> list[Task]:
    async with pool.connection() as conn:
        return await claim(conn, limit=limit, lease_ms=lease_ms)


async def end(pool: Pool, task: Task, status: TaskStatus = TaskStatus.DONE, delay_s: float = 0) -> bool:
    async with pool.connection() as conn:
        ours = await lock_leased(conn, [task])
        if ours:
            await write_results(conn, [(task, TaskResult(status=status, delay_s=delay_s))])
    return bool(ours)


async def test_an_event_makes_one_task_however_often_it_is_delivered(pool: Pool) -> None:
    task = new_task(PaymentId(uuid.uuid4()), 1)
    await insert(pool, task)
    (claimed,) = await claim_some(pool)
    await insert(pool, task)
    await end(pool, claimed)
    await insert(pool, task)
    assert await claim_some(pool) == []


async def test_claimers_side_by_side_never_get_the_same_task_or_the_same_payment(pool: Pool) -> None:
    payments = [PaymentId(uuid.uuid4()) for _ in range(30)]
    tasks = [
        new_task(payment, position * 100 + number) for number, payment in enumerate(payments) for position in (1, 2, 3)
    ]
    random.Random(7).shuffle(tasks)
    await insert(pool, *tasks)
    busy: set[uuid.UUID] = set()
    order: dict[uuid.UUID, list[int]] = defaultdict(list)
    left = len(tasks)

    async def claimer(number: int) -> None:
        nonlocal left
        rng = random.Random(number)
        while left:
            claimed = await claim_some(pool, limit=rng.randint(1, 6))
            for task in claimed:
                assert task.payment_id not in busy
                busy.add(task.payment_id)
                order[task.payment_id].append(task.position)
            for task in claimed:
                await asyncio.sleep(rng.random() / 100)  # what the work takes, while others claim
                busy.discard(task.payment_id)
                assert await end(pool, task)
                left -= 1
            if not claimed:
                await asyncio.sleep(0.005)  # as a worker that found nothing

    await asyncio.gather(*(claimer(number) for number in range(7)))
    assert all(positions == sorted(positions) and len(positions) == 3 for positions in order.values())
    assert len(order) == 30


@pytest.mark.parametrize("status", [TaskStatus.DUE, TaskStatus.UNKNOWN, TaskStatus.DEAD])
async def test_a_task_waits_for_the_earlier_ones_of_its_payment(pool: Pool, status: TaskStatus) -> None:
    payment = PaymentId(uuid.uuid4())
    await insert(pool, new_task(payment, 1), new_task(payment, 2))
    (first,) = await claim_some(pool)
    assert first.position == 1
    assert await claim_some(pool) == []
    await end(pool, first, status, delay_s=60)
    assert await claim_some(pool) == []


async def test_an_expired_lease_can_be_taken_and_the_attempts_are_counted(pool: Pool) -> None:
    await insert(pool, new_task(PaymentId(uuid.uuid4()), 1))
    (first,) = await claim_some(pool, lease_ms=30)
    (second,) = await eventually(lambda: claim_some(pool))
    assert (first.attempts, second.attempts) == (1, 2)
    assert second.age_s > 0
    assert first.lease_token != second.lease_token
    assert not await end(pool, first)
    assert await end(pool, second)


async def test_that_a_call_must_not_be_sent_again_is_never_forgotten(pool: Pool) -> None:
    await insert(pool, new_task(PaymentId(uuid.uuid4()), 1))
    (task,) = await claim_some(pool)
    assert not task.outcome_unknown
    await end(pool, task, TaskStatus.UNKNOWN)
    (task,) = await claim_some(pool)
    await end(pool, task, TaskStatus.DUE)
    (task,) = await claim_some(pool)
    assert task.outcome_unknown


async def test_a_worker_that_lost_its_lease_writes_nothing(pool: Pool) -> None:
    payments, completer = Payments(pool), TaskCompleter(pool)
    payment_id = await payments.request()
    (first,) = await claim_some(pool, lease_ms=1)
    (second,) = await eventually(lambda: claim_some(pool))
    async with pool.connection() as conn:
        payment = await load_payment(conn, payment_id)
    observation = RecordSucceeded(
        intent_id=StripeIntentId("pi_1"),
        amount_captured=Money(amount_cents=1000, currency="USD"),
        charge_id=StripeChargeId("ch_1"),
    )
    done = TaskResult.done((observation,))
    lost = await completer.complete(FinishedCall(task=first, payment=payment, result=done))
    assert lost.result is None
    assert await payments.event_types(payment_id) == ["payment.requested"]
    kept = await completer.complete(FinishedCall(task=second, payment=payment, result=done))
    assert kept.result is not None
    assert kept.status_changed
    assert (await payments.state(payment_id)).status == "succeeded"
    again = await completer.complete(FinishedCall(task=second, payment=payment, result=done))
    assert again.result is None
    await completer.close()


async def test_a_call_never_ends_with_its_request_open_whatever_led_there(pool: Pool) -> None:
    payments, completer = Payments(pool), TaskCompleter(pool)
    payment_id = await payments.request()
    (creating,) = await claim_some(pool)
    await end(pool, creating)
    await payments.command(payment_id, CancelPayment(request_id=RequestId(uuid.uuid4()), reason=None))
    (canceling,) = await claim_some(pool)
    assert canceling.operation is TaskOperation.CANCEL_INTENT
    async with pool.connection() as conn:
        payment = await load_payment(conn, payment_id)
    failed = RecordAttemptFailed(intent_id=None, attempt_id=AttemptId("a"), code="c", message="Another attempt's.")
    completed = await completer.complete(
        FinishedCall(task=canceling, payment=payment, result=TaskResult.done((failed,)))
    )
    assert completed.result is not None
    assert completed.result.status is TaskStatus.DEAD
    assert "payment.attempt_failed" in await payments.event_types(payment_id), "it is true all the same"
    await completer.close()

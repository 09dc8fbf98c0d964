"""What workers must not do: send on a lost lease, keep a connection during a call, hang unnoticed."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable

import psycopg
import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from consumers.gateway import pool as pool_module
from consumers.gateway.completion import Completed, TaskCompleter
from consumers.gateway.decision import FinishedCall
from consumers.gateway.job import Job
from consumers.gateway.pool import WorkerPool
from consumers.gateway.worker import Worker
from consumers.stripe.fakes import Json, MemoryStripe
from consumers.stripe.requests import StripeRequest
from consumers.tasks.claims import claim
from consumers.tasks.store import count_open
from domain.ids import EventId
from event_store.appends import Append
from event_store.payments import load_payment
from event_store.store import append
from infra.postgres.pool import Pool, create_pool
from infra.process.health import Unhealthy
from infra.process.pacing import Pacing
from infra.stripe.guard.breaker import Rules
from infra.stripe.guard.circuit import Circuit
from infra.stripe.guard.guard import StripeGuard
from schemas.envelope import NewEvent
from tests.integration.consumers.gateway.gateway_without_kafka import Payments, working
from tests.support.database import Database
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
def payments(pool: Pool) -> Payments:
    return Payments(pool)


@pytest.fixture
def stripe_fake() -> MemoryStripe:
    return MemoryStripe()


async def claimed(payments: Payments, pool: Pool, *, lease_ends_in_s: float) -> Job:
    """Return a claimed payment, as the pool hands it to a worker."""
    payment_id = await payments.request()
    async with pool.connection() as conn:
        (task,) = await claim(conn, limit=1, lease_ms=30_000)
        payment = await load_payment(conn, payment_id)
    return Job(task=task, payment=payment, lease_ends_at=time.time() + lease_ends_in_s)


@pytest.mark.parametrize(("lease_ends_in_s", "calls"), [(-0.001, 0), (30.0, 1)])
async def test_nothing_is_sent_once_the_lease_is_over(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, lease_ends_in_s: float, calls: int
) -> None:
    """A job can wait long before it runs (the machine slept): by then its key may be older than Stripe remembers."""
    job = await claimed(payments, pool, lease_ends_in_s=lease_ends_in_s)
    completer = TaskCompleter(pool)
    await Worker(
        stripe_fake, completer, lookup_after_s=0.1, missing_after_s=24 * 3600, not_listed_after_s=30, lease_s=30
    ).run(job, called=lambda: None)
    await completer.close()
    assert len(stripe_fake.sent) == calls
    status = "done" if calls else "leased"
    assert await payments.tasks() == [("create_intent", status, 1, None)]


async def test_a_call_is_logged_with_the_ids_of_the_request_that_asked_for_it(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    job = await claimed(payments, pool, lease_ends_in_s=30)
    completer = TaskCompleter(pool)
    with capture_logs(processors=[merge_contextvars]) as lines:
        await Worker(
            stripe_fake, completer, lookup_after_s=0.1, missing_after_s=24 * 3600, not_listed_after_s=30, lease_s=30
        ).run(job, called=lambda: None)
    await completer.close()
    (line,) = (line for line in lines if line["event"] == "stripe_call_finished")
    assert (line["request_id"], line["correlation_id"]) == ("r-1", "c-1")
    assert line["payment_id"] == str(job.task.payment_id)
    assert job.payment.state is not None
    assert line["user_id"] == job.payment.state.user_id


async def test_no_connection_is_held_during_a_call(
    payments: Payments, stripe_fake: MemoryStripe, database: Database
) -> None:
    stripe_fake.hold = asyncio.Event()
    for _ in range(8):
        await payments.request()
    async with create_pool(database.url("app"), size=1, name="workers") as single, working(single, stripe_fake):

        async def calls() -> int:
            return len(stripe_fake.sent)

        await eventually(calls, until=lambda out: out == 8)
        async with single.connection(timeout=2) as conn:
            await conn.execute("SELECT 1")
        assert stripe_fake.intents == {}, "none has returned yet"
        stripe_fake.hold.set()
        await payments.all_done()
    assert len(stripe_fake.intents) == 8


async def live(workers: WorkerPool) -> bool:
    try:
        await workers.check_live()
    except Unhealthy:
        return False
    return True


@pytest.mark.direct_postgres  # the owner has no settings of its own
async def test_workers_that_no_longer_look_for_tasks_are_not_live(
    monkeypatch: pytest.MonkeyPatch, stripe_fake: MemoryStripe, pool: Pool, database: Database
) -> None:
    monkeypatch.setattr(pool_module, "_STALL_AFTER_S", 0.4)
    async with (
        create_pool(database.url("owner"), size=1, name="locking") as locking,
        working(pool, stripe_fake) as workers,
    ):
        async with locking.connection() as conn:
            await conn.execute("LOCK TABLE consumers.gateway_tasks IN ACCESS EXCLUSIVE MODE")
            await eventually(lambda: live(workers), until=lambda found: not found)
            with pytest.raises(Unhealthy, match="no task was looked for"):
                await workers.check_live()
        await eventually(lambda: live(workers))


async def test_workers_whose_hands_are_full_are_live(
    monkeypatch: pytest.MonkeyPatch, payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    monkeypatch.setattr(pool_module, "_STALL_AFTER_S", 0.6)
    stripe_fake.hold = asyncio.Event()
    await payments.request()
    async with working(pool, stripe_fake, concurrency=1) as workers:
        await eventually(lambda: _sent(stripe_fake))
        await _stays_live(workers, 1.5)
        stripe_fake.hold.set()
        await payments.all_done()


async def test_calls_begin_while_results_of_others_wait_to_be_written(
    monkeypatch: pytest.MonkeyPatch, payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    """One may call at a time. Up to three more wait for their results to be written."""
    may_write = asyncio.Event()
    complete = TaskCompleter.complete

    async def complete_when_released(completer: TaskCompleter, call: FinishedCall) -> Completed:
        await may_write.wait()
        return await complete(completer, call)

    monkeypatch.setattr(TaskCompleter, "complete", complete_when_released)
    for _ in range(6):
        await payments.request()
    async with working(pool, stripe_fake, concurrency=1) as workers:

        async def calls() -> int:
            assert len(workers._calling) <= 1
            return len(stripe_fake.sent)

        await eventually(calls, lambda found: found == 4)
        workers._wake.set()
        await _stays(calls, 4, seconds=0.3)
        may_write.set()
        await payments.all_done()


async def _stays(probe: Callable[[], Awaitable[int]], value: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert await probe() == value
        await asyncio.sleep(0.02)  # time is what is tested


async def _sent(stripe_fake: MemoryStripe) -> bool:
    return bool(stripe_fake.sent)


async def _stays_live(workers: WorkerPool, seconds: float) -> None:
    """Look all the time, for more than twice as long as silent workers are believed: time is what is tested."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await workers.check_live()
        await asyncio.sleep(0.05)


class FakeAdmission:
    """Says how many calls may be prepared, and counts how often it was asked."""

    def __init__(self, capacity: int | None) -> None:
        self.admits = capacity
        self.opened = asyncio.Event()
        self.calls = 0

    def capacity(self) -> int | None:
        self.calls += 1
        return self.admits

    async def wait_until_open(self) -> None:
        await self.opened.wait()


async def test_while_stripe_is_down_nothing_is_claimed_and_the_workers_are_live(
    monkeypatch: pytest.MonkeyPatch, payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    monkeypatch.setattr(pool_module, "_STALL_AFTER_S", 0.3)
    admission = FakeAdmission(0)
    async with working(pool, stripe_fake, admission=admission) as workers:
        payment_id = await payments.request()
        await _stays_live(workers, 0.75)
        assert await payments.tasks() == [("create_intent", "due", 0, None)]
        admission.admits = None
        admission.opened.set()
        await payments.becomes(payment_id, "succeeded")


async def test_while_stripe_is_probed_no_more_is_claimed_than_may_be_sent(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    stripe_fake.hold = asyncio.Event()
    admission = FakeAdmission(3)
    async with working(pool, stripe_fake, admission=admission):
        for _ in range(8):
            await payments.request()

        async def statuses() -> list[str]:
            return sorted(row[1] for row in await payments.tasks())

        await eventually(statuses, until=lambda found: found.count("leased") == 3)
        calls = admission.calls

        async def calls_since() -> int:
            return admission.calls - calls

        await eventually(calls_since, until=lambda times: times >= 10)
        assert (await statuses()).count("leased") == 3
        admission.admits = None
        stripe_fake.hold.set()
        await payments.all_done()


async def test_a_breaker_that_opens_leaves_stripe_alone_and_closes_again(payments: Payments, pool: Pool) -> None:
    """Three failures open it; then only probes go out, until one goes well."""
    rules = Rules(window_s=30, minimum_calls=3, failure_ratio=0.5, open_s=0.4, longest_open_s=0.4, probes=1)
    guard = StripeGuard(Circuit("test", rules), None, max_concurrency=1, max_wait_s=5)

    class Guarded(MemoryStripe):
        async def send(self, request: StripeRequest, *, not_after: float = float("inf")) -> Json:
            async with guard.call(request.operation.value, writes=True):
                return await super().send(request, not_after=not_after)

    guarded = Guarded(failures=[ConnectionResetError() for _ in range(5)])
    ids = [await payments.request() for _ in range(12)]
    async with working(pool, guarded, admission=guard):
        await eventually(lambda: _is_open(guard))
        sent = len(guarded.sent)
        assert 3 <= sent <= 4
        ids.append(await payments.request())  # a command is accepted all the same
        await payments.execute("UPDATE consumers.gateway_tasks SET due_at = now() WHERE status = 'due'")
        for payment_id in ids:
            await payments.becomes(payment_id, "succeeded", within=20)
    assert len(guarded.sent) == 5 + len(ids), "each failed once more at most, and none was sent while it was open"
    assert len(guarded.intents) == len(ids)


async def _is_open(guard: StripeGuard) -> bool:
    return guard.capacity() == 0


async def test_a_payment_with_senseless_events_is_a_dead_letter_of_its_own(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    broken = await payments.request()
    async with pool.connection() as conn:
        (event,) = (await load_payment(conn, broken)).events
        again = NewEvent(
            event_id=EventId(uuid.uuid4()), type=event.type, schema_version=1, data=event.data, metadata=event.metadata
        )
        twice = Append(
            stream_id=broken,
            category=event.category,
            merchant_id=event.metadata.merchant_id,
            expected_version=1,
            events=(again,),
        )
        await append(conn, [twice])
    good = await payments.request()
    with capture_logs(processors=[merge_contextvars]) as lines:
        async with working(pool, stripe_fake) as workers:
            await payments.becomes(good, "succeeded")
            await eventually(payments.tasks, until=lambda tasks: {task[1] for task in tasks} == {"dead", "done"})
            assert await live(workers)
    reason = f"BrokenHistory: Payment {broken} was requested twice."
    assert (await payments.tasks())[0][3] == reason
    assert "gateway_task_failed" not in {line["event"] for line in lines}
    (reported,) = [line for line in lines if line["event"] == "gateway_dead_letter"]
    assert (reported["payment_id"], reported["error"]) == (str(broken), reason)


async def test_it_is_known_since_when_a_call_is_wanted_that_none_holds_up(payments: Payments, pool: Pool) -> None:
    """Reads and calls behind an earlier one of their payment are as old as that, and say nothing."""
    refreshed, blocked, _ = [await payments.request() for _ in range(3)]
    await payments.refresh(refreshed)
    for hours, which in (
        (9, "operation = 'refresh_payment'"),
        (5, f"payment_id = '{blocked}'"),
        (1, f"payment_id = '{refreshed}' AND operation <> 'refresh_payment'"),
    ):
        change = f"created_at = now() - interval '{hours} hours', blocked = {str(hours == 5).lower()}"
        await payments.execute(f"UPDATE consumers.gateway_tasks SET {change} WHERE {which}")
    async with pool.connection() as conn:
        found = (await count_open(conn))["due"]
    assert found.tasks == 4
    assert 3600 <= found.longest_s < 3700


async def test_a_right_that_is_missing_for_a_while_makes_no_task_dead(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, database: Database
) -> None:
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        payment_id = await payments.request()
        await owner.execute("REVOKE EXECUTE ON FUNCTION event_store.append(jsonb, bigint) FROM paystream_app")
        with capture_logs() as lines:
            async with working(pool, stripe_fake):

                async def refused() -> bool:
                    return any("InsufficientPrivilege" in str(line.get("error")) for line in lines)

                await eventually(refused)
                await owner.execute("GRANT EXECUTE ON FUNCTION event_store.append(jsonb, bigint) TO paystream_app")
                await payments.becomes(payment_id, "succeeded")
    assert await payments.tasks() == [("create_intent", "done", 1, None)]
    assert len(stripe_fake.sent) == 1


async def test_nothing_is_claimed_once_the_pool_is_asked_to_stop(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two claims it pauses: a stop that comes then must not be lost."""
    monkeypatch.setattr(pool_module, "Pacing", lambda *_, **__: Pacing(3600))
    await payments.request()
    async with working(pool, stripe_fake):
        await payments.all_done()
        await payments.request()
    assert sorted(status for _, status, _, _ in await payments.tasks()) == ["done", "due"]

"""What workers must not do: send on a lost lease, keep a connection during a call, hang unnoticed."""

import asyncio
import time

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from consumers.gateway import pool as pool_module
from consumers.gateway.pool import WorkerPool
from consumers.gateway.settle import Settler
from consumers.gateway.tasks import claim
from consumers.gateway.worker import Job, Worker
from event_store.payments import load_payment
from infra.health import Unhealthy
from infra.postgres import Pool, create_pool
from tests.integration.consumers.fake_stripe import FakeStripe
from tests.integration.consumers.gateway_running import Payments, working
from tests.support.database import Database
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
def payments(pool: Pool) -> Payments:
    return Payments(pool)


@pytest.fixture
def stripe_fake() -> FakeStripe:
    return FakeStripe()


async def claimed(payments: Payments, pool: Pool, *, lease_ends_in_s: float) -> Job:
    """Return a claimed payment, as the pool hands it to a worker."""
    payment_id = await payments.request()
    async with pool.connection() as conn:
        (task,) = await claim(conn, limit=1, lease_ms=30_000)
        payment = await load_payment(conn, payment_id)
    return Job(task=task, payment=payment, lease_ends_at=time.time() + lease_ends_in_s)


@pytest.mark.parametrize(("lease_ends_in_s", "calls"), [(-0.001, 0), (30.0, 1)])
async def test_nothing_is_sent_once_the_lease_is_over(
    payments: Payments, stripe_fake: FakeStripe, pool: Pool, lease_ends_in_s: float, calls: int
) -> None:
    """A job can wait long before it runs (the machine slept): by then its key may be older than Stripe remembers."""
    job = await claimed(payments, pool, lease_ends_in_s=lease_ends_in_s)
    settler = Settler(pool)
    await Worker(stripe_fake, settler, lookup_after_s=0.1).run(job)
    await settler.close()
    assert len(stripe_fake.sent) == calls
    status = "done" if calls else "leased"
    assert await payments.tasks() == [("create_intent", status, 1, None)]


async def test_a_call_is_logged_with_the_ids_of_the_request_that_asked_for_it(
    payments: Payments, stripe_fake: FakeStripe, pool: Pool
) -> None:
    job = await claimed(payments, pool, lease_ends_in_s=30)
    settler = Settler(pool)
    with capture_logs(processors=[merge_contextvars]) as lines:
        await Worker(stripe_fake, settler, lookup_after_s=0.1).run(job)
    await settler.close()
    (line,) = (line for line in lines if line["event"] == "stripe_call_finished")
    assert (line["request_id"], line["correlation_id"]) == ("r-1", "c-1")
    assert line["payment_id"] == str(job.task.payment_id)
    assert job.payment.state is not None
    assert line["user_id"] == job.payment.state.user_id


async def test_no_connection_is_held_during_a_call(
    payments: Payments, stripe_fake: FakeStripe, database: Database
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


async def test_workers_that_no_longer_look_for_tasks_are_not_live(
    monkeypatch: pytest.MonkeyPatch, stripe_fake: FakeStripe, pool: Pool, database: Database
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
    monkeypatch: pytest.MonkeyPatch, payments: Payments, stripe_fake: FakeStripe, pool: Pool
) -> None:
    monkeypatch.setattr(pool_module, "_STALL_AFTER_S", 1.0)
    stripe_fake.hold = asyncio.Event()
    await payments.request()
    async with working(pool, stripe_fake, concurrency=1) as workers:
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            await workers.check_live()
            await asyncio.sleep(0.05)
        stripe_fake.hold.set()
        await payments.all_done()

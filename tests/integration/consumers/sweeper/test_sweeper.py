"""The sweeper: payments that wait too long at Stripe are read there, once for each time that they are due."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
import stripe
from prometheus_client import REGISTRY
from pydantic import ValidationError

from consumers.stripe.fakes import MemoryStripe
from consumers.sweeper.process import NAME, serve
from consumers.sweeper.settings import SweeperSettings
from consumers.sweeper.sweep import measure, sweep
from consumers.sweeper.sweeper import Sweeper
from consumers.tasks.models import TaskOperation
from domain.ids import PaymentId, RequestId
from domain.payment.commands import CapturePayment
from domain.payment.values import CaptureMethod
from infra.embedded.home import Home
from infra.embedded.ports import free_port
from infra.embedded.valkey import ValkeyServer
from infra.postgres.pool import Pool
from infra.process.health import Health
from infra.process.runtime import Runtime
from infra.redis.redlock import Redlock, RedlockSettings, open_redlock
from tests.integration.consumers.gateway.gateway_without_kafka import Payments, working
from tests.support.database import Database
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

WAIT_S = 600.0
DAY_S = 24 * 3600.0
NOBODY_LISTENS = "redis://127.0.0.1:9/0"


@pytest.fixture
def payments(pool: Pool) -> Payments:
    return Payments(pool)


@pytest.fixture
def stripe_fake() -> MemoryStripe:
    return MemoryStripe()


async def waiting_payment(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, *, since: str = "10 minutes"
) -> PaymentId:
    """Return a payment whose customer confirmed at Stripe so long ago, and whose webhook was lost."""
    async with working(pool, stripe_fake):
        payment_id = await payments.request(confirm=False)
        state = await payments.becomes(payment_id, "requires_confirmation")
        await payments.all_done()
    assert state.intent_id is not None
    paid = {"status": "succeeded", "amount_received": 1000, "latest_charge": f"ch_{state.intent_id}"}
    stripe_fake.intents[state.intent_id] |= paid
    await age(payments, since)
    return payment_id


async def age(payments: Payments, since: str) -> None:
    await payments.execute(
        f"UPDATE consumers.waiting_payments SET since = now() - interval '{since}',"
        f" look_at = now() - interval '{since}'"
    )


async def refreshes(payments: Payments) -> list[str]:
    """Return the status of every refresh task."""
    return [row[1] for row in await payments.tasks() if row[0] == "refresh_payment"]


def _sweeps() -> float:
    """Count the sweeps without a lock, and those that left the work to another."""
    found = (REGISTRY.get_sample_value("sweeper_sweeps_total", {"result": each}) for each in ("without_lock", "passed"))
    return sum(value or 0.0 for value in found)


class NoEvents:
    """A list of Stripe's events with nothing new in it."""

    async def catch_up(self, *, go_on: Callable[[], bool]) -> bool:
        return go_on()


@asynccontextmanager
async def sweeping(pool: Pool, redlock: Redlock, *, interval_s: float = 0.05) -> AsyncIterator[Sweeper]:
    """Run a sweeper until the end of the block."""
    stop = asyncio.Event()
    sweeper = Sweeper(
        pool,
        redlock,
        NoEvents(),
        interval_s=interval_s,
        wait_s=WAIT_S,
        task_wait_s=WAIT_S,
        batch=50,
        lock_ttl_ms=1000,
    )
    running = asyncio.create_task(sweeper.run(stop))
    try:
        yield sweeper
    finally:
        stop.set()
        await asyncio.wait_for(running, 20)


async def test_a_payment_whose_webhook_was_lost_is_read_and_recorded(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    payment_id = await waiting_payment(payments, stripe_fake, pool)
    assert await sweep(pool, wait_s=WAIT_S, limit=50) == 1
    async with working(pool, stripe_fake):
        await payments.becomes(payment_id, "succeeded")
        await payments.all_done()
    assert await sweep(pool, wait_s=0.001, limit=50) == 0, "it waits no more"


async def test_one_that_has_not_waited_long_is_left_alone(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    await waiting_payment(payments, stripe_fake, pool, since="9 minutes")
    assert await sweep(pool, wait_s=WAIT_S, limit=50) == 0


async def test_one_that_goes_on_waiting_is_read_after_waiting_a_quarter_longer(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    await waiting_payment(payments, stripe_fake, pool, since="4 days")
    assert await sweep(pool, wait_s=WAIT_S, limit=50) == 1
    assert await sweep(pool, wait_s=WAIT_S, limit=50) == 0
    for passed, expected in (("23 hours", 0), ("2 hours", 1)):
        await payments.execute(f"UPDATE consumers.waiting_payments SET look_at = look_at - interval '{passed}'")
        assert await sweep(pool, wait_s=WAIT_S, limit=50) == expected


async def left_payments(payments: Payments, stripe_fake: MemoryStripe, pool: Pool) -> dict[str, PaymentId]:
    """Return a payment in each status in which its customer has to do something."""
    found = {}
    async with working(pool, stripe_fake):
        for status, method in {
            "requires_confirmation": "pm_card_visa",
            "requires_payment_method": None,
            "requires_action": "pm_card_visa",
        }.items():
            found[status] = await payments.request(confirm=False, payment_method=method)
            state = await payments.becomes(found[status], status.replace("action", "confirmation"))
        action = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://bank.example"}}
        stripe_fake.intents[str(state.intent_id)] |= {"status": "requires_action", "next_action": action}
        await payments.refresh(found["requires_action"])
        await payments.becomes(found["requires_action"], "requires_action")
        await payments.all_done()
    return found


async def write_cancellations(pool: Pool) -> None:
    """Write the tasks for what the sweeper asked for, as the intake does."""
    async with pool.connection() as conn:
        cursor = await conn.execute(
            "INSERT INTO consumers.gateway_tasks"
            " (event_id, payment_id, merchant_id, operation, position, correlation_id)"
            " SELECT event_id, stream_id, 'merchant_test', 'cancel_intent', position, 'c' FROM event_store.events"
            " WHERE type = 'payment.cancel_requested'"
        )
        assert cursor.rowcount


async def test_payments_that_their_customers_left_are_canceled(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    left = await left_payments(payments, stripe_fake, pool)
    await age(payments, "23 hours")
    assert await sweep(pool, wait_s=WAIT_S, limit=50, abandoned_after_s=DAY_S) == len(left)
    assert (await refreshes(payments)).count("due") == len(left), "it is not yet time to give them up"
    async with working(pool, stripe_fake):
        await payments.all_done()
    await payments.execute(
        "UPDATE consumers.waiting_payments SET since = since - interval '1 hour', look_at = look_at - interval '1 hour'"
    )
    assert await sweep(pool, wait_s=WAIT_S, limit=50, abandoned_after_s=DAY_S) == len(left), "it was not put off beyond"
    await write_cancellations(pool)
    async with working(pool, stripe_fake):
        for payment_id in left.values():
            await payments.becomes(PaymentId(payment_id), "canceled")
            types = await payments.event_types(PaymentId(payment_id))
            assert types[-2:] == ["payment.cancel_requested", "payment.canceled"]
    canceled = [request.params for request in stripe_fake.sent if request.operation is TaskOperation.CANCEL_INTENT]
    assert canceled == [{"cancellation_reason": "abandoned"}] * len(left)
    await age(payments, "9 days")
    assert await sweep(pool, wait_s=WAIT_S, limit=50, abandoned_after_s=DAY_S) == 0, "nothing is read for ever"


async def test_one_whose_cancellation_is_under_way_is_read_and_not_asked_again(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    left = await left_payments(payments, stripe_fake, pool)
    await age(payments, "25 hours")
    await sweep(pool, wait_s=WAIT_S, limit=50, abandoned_after_s=DAY_S)
    assert (await refreshes(payments)).count("due") == 0
    await age(payments, "26 hours")
    await sweep(pool, wait_s=WAIT_S, limit=50, abandoned_after_s=DAY_S)
    assert (await refreshes(payments)).count("due") == len(left)
    for payment_id in left.values():
        assert (await payments.event_types(PaymentId(payment_id))).count("payment.cancel_requested") == 1


async def test_money_that_is_held_is_not_given_up(payments: Payments, stripe_fake: MemoryStripe, pool: Pool) -> None:
    async with working(pool, stripe_fake):
        payment_id = await payments.request(capture_method=CaptureMethod.MANUAL)
        await payments.becomes(payment_id, "requires_capture")
        await payments.all_done()
    await age(payments, "9 days")
    assert await sweep(pool, wait_s=WAIT_S, limit=50, abandoned_after_s=DAY_S) == 1
    assert "payment.cancel_requested" not in await payments.event_types(payment_id)


async def test_a_hold_waits_from_its_end_on(payments: Payments, stripe_fake: MemoryStripe, pool: Pool) -> None:
    async with working(pool, stripe_fake):
        payment_id = await payments.request(capture_method=CaptureMethod.MANUAL)
        await payments.becomes(payment_id, "requires_capture")
        await payments.all_done()
    await age(payments, "-6 days")
    assert await sweep(pool, wait_s=WAIT_S, limit=50) == 0
    await age(payments, "11 minutes")
    stripe_fake.intents["pi_1"] |= {"status": "canceled", "cancellation_reason": "automatic", "amount_capturable": 0}
    assert await sweep(pool, wait_s=WAIT_S, limit=50) == 1
    async with working(pool, stripe_fake):
        await payments.becomes(payment_id, "canceled")


@pytest.mark.parametrize("status", ["unknown", "dead"])
async def test_a_call_that_is_stuck_has_its_payment_read_now_and_then(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, status: str
) -> None:
    async with working(pool, stripe_fake):
        payment_id = await payments.request(capture_method=CaptureMethod.MANUAL)
        await payments.becomes(payment_id, "requires_capture")
        body = {"error": {"type": "idempotency_error", "message": "another request"}}
        stripe_fake.failures = [stripe.IdempotencyError("another request", http_status=400, json_body=body)]
        await payments.command(payment_id, CapturePayment(request_id=RequestId(uuid.uuid4())))
        await eventually(payments.tasks, until=lambda rows: rows[-1][1] == "dead")
    await payments.execute(
        f"UPDATE consumers.gateway_tasks SET status = '{status}', finished_at = NULL,"
        " due_at = now() + interval '1 day', first_attempt_at = now() - interval '1 hour' WHERE status = 'dead'"
    )
    assert await sweep(pool, wait_s=WAIT_S, limit=50) == 1
    assert await sweep(pool, wait_s=WAIT_S, limit=50) == 0, "it will be read anyway"
    async with working(pool, stripe_fake):
        await eventually(lambda: refreshes(payments), until=lambda found: found == ["done"])
    assert await sweep(pool, wait_s=WAIT_S, limit=50) == 0, "it was read just now"
    await payments.execute("UPDATE consumers.gateway_tasks SET finished_at = finished_at - interval '16 minutes'")
    assert await sweep(pool, wait_s=WAIT_S, limit=50) == 1


async def test_a_sweep_takes_no_more_than_its_batch_and_those_due_longest_first(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    async with working(pool, stripe_fake):
        ids = [await payments.request(confirm=False) for _ in range(5)]
        for payment_id in ids:
            await payments.becomes(payment_id, "requires_confirmation")
        await payments.all_done()
    await age(payments, "1 hour")
    await payments.execute(
        f"UPDATE consumers.waiting_payments SET look_at = now() - interval '2 hours' WHERE payment_id = '{ids[3]}'"
    )
    assert await sweep(pool, wait_s=WAIT_S, limit=1) == 1
    async with pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT payment_id FROM consumers.gateway_tasks WHERE operation = 'refresh_payment'"
        )
        assert await cursor.fetchall() == [(ids[3],)]
    assert await sweep(pool, wait_s=WAIT_S, limit=50) == 4


async def test_two_sweepers_at_once_without_a_lock_ask_for_each_payment_once(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    for _ in range(3):
        await waiting_payment(payments, stripe_fake, pool)
    counts = await asyncio.gather(*(sweep(pool, wait_s=WAIT_S, limit=50) for _ in range(8)))
    assert sum(count or 0 for count in counts) == 3
    assert await refreshes(payments) == ["due"] * 3
    settings = RedlockSettings.model_validate({"redis_url": NOBODY_LISTENS})
    async with (
        open_redlock(settings) as one,
        open_redlock(settings) as two,
        working(pool, stripe_fake),
        sweeping(pool, one),
        sweeping(pool, two),
    ):
        await eventually(lambda: refreshes(payments), until=lambda found: found == ["done"] * 3)
        before = _sweeps()

        async def swept_again() -> float:
            return _sweeps() - before

        await eventually(swept_again, until=lambda more: more >= 6)
    assert sorted(stripe_fake.reads) == ["pi_1", "pi_2", "pi_3"]


async def test_it_sweeps_while_redis_is_away(payments: Payments, stripe_fake: MemoryStripe, pool: Pool) -> None:
    payment_id = await waiting_payment(payments, stripe_fake, pool)
    settings = RedlockSettings.model_validate({"redis_url": NOBODY_LISTENS})
    async with open_redlock(settings) as redlock, sweeping(pool, redlock) as sweeper, working(pool, stripe_fake):
        await payments.becomes(payment_id, "succeeded")
        await sweeper.check_live()


async def test_what_waits_is_shown(payments: Payments, stripe_fake: MemoryStripe, pool: Pool) -> None:
    from consumers.sweeper import metrics  # noqa: PLC0415 - its samples

    await waiting_payment(payments, stripe_fake, pool, since="2 hours")
    await measure(pool)
    ((sample,),) = (metric.samples for metric in metrics.WAITING.collect())
    assert (sample.labels, sample.value) == ({"waits_for": "requires_confirmation"}, 1)
    ((sample,),) = (metric.samples for metric in metrics.LONGEST_WAIT_SECONDS.collect())
    assert sample.value == pytest.approx(7200, abs=60)


@pytest_asyncio.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[ValkeyServer]:
    with Home(tmp_path) as home:
        server = ValkeyServer(home, port=free_port(), password="lock-and-key")
        await server.start()
        await server.wait_ready()
        yield server
        await server.stop()


async def test_one_sweeps_the_other_stands_by_and_takes_over(pool: Pool, valkey: ValkeyServer) -> None:
    settings = RedlockSettings.model_validate({"redis_url": valkey.url, "redlock_restart_guard": False})
    swept: list[str] = []

    class Named(Sweeper):
        name = ""

        async def _sweep(self, result: str, may_go_on: Callable[[], bool]) -> None:
            assert may_go_on()
            swept.append(f"{self.name} {result}")

    async def run(name: str, stop: asyncio.Event) -> None:
        async with open_redlock(settings) as redlock:
            sweeper = Named(
                pool,
                redlock,
                NoEvents(),
                interval_s=0.02,
                wait_s=WAIT_S,
                task_wait_s=WAIT_S,
                batch=50,
                lock_ttl_ms=1000,
            )
            sweeper.name = name
            await sweeper.run(stop)

    stops = {name: asyncio.Event() for name in ("first", "second")}
    tasks = {}
    for name, stop in stops.items():
        tasks[name] = asyncio.create_task(run(name, stop))
        await eventually(lambda: _has(swept, "first with_lock", 3))
    assert set(swept) == {"first with_lock"}
    stops["first"].set()
    await tasks["first"]
    await eventually(lambda: _has(swept, "second with_lock", 3))
    stops["second"].set()
    await tasks["second"]
    assert set(swept) == {"first with_lock", "second with_lock"}


async def test_the_process_is_ready_sweeps_and_stops(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, database: Database, valkey: ValkeyServer
) -> None:
    payment_id = await waiting_payment(payments, stripe_fake, pool)
    stripe_is_away = {"stripe_secret_key": "sk_test_1", "stripe_api_base": "http://127.0.0.1:9"}
    settings = SweeperSettings.model_validate(
        {"database_url": database.url("app"), "redis_url": valkey.url, **stripe_is_away}
    )
    runtime = Runtime(service=NAME, settings=settings, stop=asyncio.Event(), health=Health())
    process = asyncio.create_task(serve(runtime, settings))
    async with working(pool, stripe_fake):
        await payments.becomes(payment_id, "succeeded")
    assert (await runtime.health.ready()).checks == {"postgres": "ok"}
    assert (await runtime.health.live()).checks == {"sweeper": "ok"}
    runtime.stop.set()
    await asyncio.wait_for(process, 20)


def test_a_lock_that_its_servers_could_outlast_is_refused() -> None:
    with pytest.raises(ValidationError, match="SWEEPER_LOCK_TTL_MS must be at least 500"):
        SweeperSettings.model_validate(
            {
                "database_url": "postgresql://",
                "redis_url": NOBODY_LISTENS,
                "stripe_secret_key": "sk_test_1",
                "sweeper_lock_ttl_ms": 400,
            }
        )


async def _has(swept: list[str], line: str, times: int) -> bool:
    return swept.count(line) >= times

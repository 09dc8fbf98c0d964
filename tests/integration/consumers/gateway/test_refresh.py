"""Payments that are read at Stripe again: what happened there is recorded, beside the calls that are wanted."""

import asyncio
import uuid
from typing import Any

import pytest
import stripe

from consumers.gateway.operators import TaskAdmin
from consumers.stripe.fakes import MemoryStripe
from consumers.stripe.translate.ids import PAYMENT_ID
from consumers.tasks.intent_index import find_or_await_intents
from consumers.tasks.models import TaskOperation, refresh_id
from domain.ids import EventId, PaymentId, RefundId, RequestId, StripeIntentId
from domain.money import Money
from domain.payment.commands import CapturePayment, ConfirmPayment, RequestRefund
from domain.payment.values import CaptureMethod
from event_store.payments import load_payment
from infra.postgres.pool import Pool
from infra.stripe.guard.errors import CircuitOpen
from tests.integration.consumers.gateway.gateway_without_kafka import Payments, working
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

TEN = Money(amount_cents=1000, currency="USD")
ANOTHER_REQUEST = {"error": {"type": "idempotency_error", "message": "another request"}}


@pytest.fixture
def payments(pool: Pool) -> Payments:
    return Payments(pool)


@pytest.fixture
def stripe_fake() -> MemoryStripe:
    return MemoryStripe()


async def of_operation(payments: Payments, operation: TaskOperation) -> list[tuple[str, int, str | None]]:
    """Return status, attempts and last error of the tasks with this operation."""
    return [row[1:] for row in await payments.tasks() if row[0] == operation]


async def refresh_ends(payments: Payments, status: str) -> None:
    await eventually(
        lambda: of_operation(payments, TaskOperation.REFRESH_PAYMENT),
        until=lambda rows: [row[0] for row in rows] == [status],
        every=0.02,
    )


async def waiting_rows(pool: Pool) -> list[tuple[Any, ...]]:
    async with pool.connection() as conn:
        cursor = await conn.execute("SELECT payment_id, waits_for FROM consumers.waiting_payments")
        return await cursor.fetchall()


async def test_what_happened_at_stripe_alone_is_recorded(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    async with working(pool, stripe_fake):
        payment_id = await payments.request()
        await payments.becomes(payment_id, "succeeded")
        at_stripe = {"id": "re_site", "status": "succeeded", "amount": 300, "currency": "usd", "metadata": {}}
        stripe_fake.refunds.append(at_stripe | {"payment_intent": "pi_1", "reason": None})
        await payments.refresh(payment_id)
        await refresh_ends(payments, "done")
    state = await payments.state(payment_id)
    assert state.amount_refunded == Money(amount_cents=300, currency="USD")
    assert stripe_fake.reads == ["pi_1"]


async def test_a_customer_who_confirmed_at_stripe_is_noticed_once(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    async with working(pool, stripe_fake):
        payment_id = await payments.request(confirm=False)
        await payments.becomes(payment_id, "requires_confirmation")
        assert await waiting_rows(pool) == [(payment_id, "requires_confirmation")]
        stripe_fake.intents["pi_1"] |= {"status": "succeeded", "amount_received": 1000, "latest_charge": "ch_1"}
        for _ in range(3):
            await payments.refresh(payment_id)
            await refresh_ends(payments, "done")
    assert await payments.event_types(payment_id) == [
        "payment.requested",
        "payment.intent_created",
        "payment.succeeded",
    ]
    assert await waiting_rows(pool) == []


async def test_asked_for_many_times_a_payment_is_read_once(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    async with working(pool, stripe_fake):
        payment_id = await payments.request()
        await payments.all_done()
    for position in range(1, 20):
        await payments.refresh(payment_id, position=position)
    async with working(pool, stripe_fake):
        await payments.all_done()
    assert stripe_fake.reads == ["pi_1"]


async def test_a_correlation_id_of_a_client_makes_nobody_the_actor(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    async with working(pool, stripe_fake):
        payment_id = await payments.request()
        await payments.becomes(payment_id, "succeeded")
        await payments.all_done()
    at_stripe = {"id": "re_site", "status": "succeeded", "amount": 300, "currency": "usd", "metadata": {}}
    stripe_fake.refunds.append(at_stripe | {"payment_intent": "pi_1", "reason": None})
    await payments.refresh(payment_id, position=0, correlation_id="reconciliation-by-a-client")
    await payments.refresh(payment_id, position=900, correlation_id="another")
    async with working(pool, stripe_fake):
        await payments.all_done()
        await refresh_ends(payments, "done")
    async with pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT metadata->>'actor', metadata->>'correlation_id' FROM event_store.events"
            " WHERE type = 'payment.refund_found'"
        )
        assert await cursor.fetchall() == [("stripe-gateway", "another")]


async def test_what_a_reconciliation_reads_is_marked_so_whoever_asks_meanwhile(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    async with working(pool, stripe_fake):
        payment_id = await payments.request()
        await payments.becomes(payment_id, "succeeded")
        await payments.all_done()
    at_stripe = {"id": "re_site", "status": "succeeded", "amount": 300, "currency": "usd", "metadata": {}}
    stripe_fake.refunds.append(at_stripe | {"payment_intent": "pi_1", "reason": None})
    await payments.refresh(payment_id, position=0, correlation_id="reconciliation-run-1", requested_by="reconciliation")
    await payments.refresh(payment_id, position=900)
    async with working(pool, stripe_fake):
        await payments.all_done()
        await refresh_ends(payments, "done")
    async with pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT metadata->>'actor', metadata->>'correlation_id' FROM event_store.events"
            " WHERE type = 'payment.refund_found'"
        )
        assert await cursor.fetchall() == [("reconciliation", "reconciliation-run-1")]
    await payments.refresh(payment_id, position=901)
    async with pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT correlation_id FROM consumers.gateway_tasks WHERE operation = 'refresh_payment'"
        )
        assert await cursor.fetchall() == [("webhook",)], "the next one is not the reconciliation's"


@pytest.mark.parametrize("position", [1, 5, 900])
async def test_what_comes_while_it_is_read_leads_to_another_reading(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, position: int
) -> None:
    """Webhooks of two partitions come in any order of their positions."""
    async with working(pool, stripe_fake):
        payment_id = await payments.request(confirm=False)
        await payments.becomes(payment_id, "requires_confirmation")
        stripe_fake.hold = asyncio.Event()
        await payments.refresh(payment_id, position=5)
        await eventually(lambda: _reads(stripe_fake, 1))
        stripe_fake.intents["pi_1"] |= {"status": "succeeded", "amount_received": 1000, "latest_charge": "ch_1"}
        await payments.refresh(payment_id, position=position)
        stripe_fake.hold.set()
        await payments.becomes(payment_id, "succeeded")
        await payments.all_done()
    assert len(stripe_fake.reads) == 2


async def test_a_dead_call_is_unblocked_by_a_refresh_that_does_not_wait_for_it(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    async with working(pool, stripe_fake):
        payment_id = await payments.request(capture_method=CaptureMethod.MANUAL)
        await payments.becomes(payment_id, "requires_capture")
        stripe_fake.failures = [stripe.IdempotencyError("another request", http_status=400, json_body=ANOTHER_REQUEST)]
        await payments.command(payment_id, CapturePayment(request_id=RequestId(uuid.uuid4())))
        await eventually(payments.tasks, until=lambda rows: ("capture_intent", "dead") in [row[:2] for row in rows])
        await payments.refresh(payment_id)
        await refresh_ends(payments, "done")
        assert await of_operation(payments, TaskOperation.CAPTURE_INTENT) == [
            ("dead", 1, "400 idempotency_error idempotency_error: another request")
        ]
        stripe_fake.intents["pi_1"] |= {"status": "succeeded", "amount_received": 1000, "amount_capturable": 0}
        await payments.refresh(payment_id)
        await payments.becomes(payment_id, "succeeded")
        await payments.command(payment_id, RequestRefund(refund_id=RefundId(uuid.uuid4())))
        await payments.all_done()
    assert (await payments.state(payment_id)).amount_refunded == TEN
    assert [request.operation for request in stripe_fake.sent].count(TaskOperation.CAPTURE_INTENT) == 1


async def test_a_creation_whose_answer_was_never_understood_is_found_by_our_id(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    payment_id = await payments.request()
    original = stripe_fake._create
    stripe_fake._create = lambda params: {**original(params), "status": "odd"}  # type: ignore[dict-item, method-assign]
    async with working(pool, stripe_fake):
        await eventually(payments.tasks, until=lambda rows: rows[0][1] == "dead")
        await payments.refresh(payment_id)
        await payments.becomes(payment_id, "succeeded")


@pytest.mark.parametrize(("manual", "status"), [(False, "succeeded"), (True, "requires_capture")])
async def test_a_payment_given_up_that_stripe_takes_late_is_said(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, manual: bool, status: str
) -> None:
    stripe_fake.failures = [stripe.IdempotencyError("another request", http_status=400, json_body=ANOTHER_REQUEST)]
    stripe_fake.unsearchable = {"pi_1"}
    async with working(pool, stripe_fake, lookup_after_s=0.05):
        payment_id = await payments.request()
        await eventually(payments.tasks, until=lambda rows: rows[0][1] == "dead")
        await give_up(pool, payment_id)
        charge = {"amount": 1000, "currency": "usd", "metadata": {PAYMENT_ID: str(payment_id)}, "confirm": True}
        stripe_fake._create(
            charge | {"payment_method": "pm_card_visa", "capture_method": "manual" if manual else "automatic"}
        )
        await payments.refresh(payment_id)  # a webhook: Stripe's search shows it up to a minute later
        await eventually(
            lambda: of_operation(payments, TaskOperation.REFRESH_PAYMENT), until=lambda rows: rows[0][1] > 1
        )
        stripe_fake.unsearchable = set()
        await refresh_ends(payments, "done")
    state = await payments.state(payment_id)
    assert state.status == "failed"
    assert [(each.object_id, each.status) for each in state.open_contradictions] == [("pi_1", status)]


async def give_up(pool: Pool, payment_id: PaymentId) -> None:
    async with pool.connection() as conn:
        event_id = EventId((await load_payment(conn, payment_id)).events[0].event_id)
        await TaskAdmin().give_up(conn, event_id, actor="ada", reason="nobody waits", force=True)


async def test_a_reading_that_contradicts_is_told_once_and_blocks_nothing(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    async with working(pool, stripe_fake):
        payment_id = await payments.request()
        await payments.becomes(payment_id, "succeeded")
        stripe_fake.intents["pi_1"]["amount_received"] = 999
        for _ in range(2):
            await payments.refresh(payment_id)
            await refresh_ends(payments, "done")
        assert (await payments.event_types(payment_id)).count("payment.contradicted") == 1
        ((_, status, error),) = [
            (each.object_id, each.status, each.reason)
            for each in (await payments.state(payment_id)).open_contradictions
        ]
        assert (status, "captured, not" in error) == ("succeeded", True)
        await payments.command(payment_id, RequestRefund(refund_id=RefundId(uuid.uuid4())))
        await eventually(
            lambda: of_operation(payments, TaskOperation.CREATE_REFUND), until=lambda rows: rows[0][0] == "done"
        )
        stripe_fake.intents["pi_1"]["amount_received"] = 1000
        await payments.refresh(payment_id)
        await refresh_ends(payments, "done")
        assert not (await payments.state(payment_id)).open_contradictions


async def test_a_refresh_that_fails_is_tried_again_and_holds_nothing_back(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    async with working(pool, stripe_fake):
        payment_id = await payments.request(confirm=False)
        await payments.becomes(payment_id, "requires_confirmation")
        stripe_fake.failures = [stripe.AuthenticationError("no", http_status=401, json_body={"error": {}})]
        await payments.refresh(payment_id)
        await eventually(
            lambda: of_operation(payments, TaskOperation.REFRESH_PAYMENT), until=lambda rows: rows[0][2] is not None
        )
        assert await of_operation(payments, TaskOperation.REFRESH_PAYMENT) == [("due", 1, "401 - unknown_error: no")]
        await payments.command(payment_id, ConfirmPayment())
        await payments.becomes(payment_id, "succeeded")
        await payments.refresh(payment_id)  # news makes it due at once
        await refresh_ends(payments, "done")


async def test_reading_and_calling_never_go_side_by_side(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    stripe_fake.latency_s = 0.01
    ids = [await payments.request() for _ in range(15)]
    stop = asyncio.Event()

    async def keep_asking() -> None:
        while not stop.is_set():
            for payment_id in ids:
                await payments.refresh(payment_id)
            await asyncio.sleep(0.005)  # as often as webhooks come: news all the time, and time for the work

    async with working(pool, stripe_fake, concurrency=6), working(pool, stripe_fake, concurrency=6):
        asking = asyncio.create_task(keep_asking())
        for payment_id in ids:
            await payments.becomes(payment_id, "succeeded", within=30)
        for enough in (20, 40, 60):
            for payment_id in ids:
                amount = Money(amount_cents=200, currency="USD")
                await payments.command(payment_id, RequestRefund(refund_id=RefundId(uuid.uuid4()), amount=amount))

            async def was_read_enough(enough: int = enough) -> bool:
                return len(stripe_fake.reads) > enough

            await eventually(was_read_enough)
        await eventually(
            lambda: of_operation(payments, TaskOperation.CREATE_REFUND),
            until=lambda rows: all(row[0] == "done" for row in rows),
            within=30,
        )
        stop.set()
        await asking
        await payments.all_done(within=30)
    assert set(stripe_fake.most_in_flight.values()) == {1}
    assert len(stripe_fake.reads) > 50
    assert len(stripe_fake.refunds) == 45


async def test_a_call_that_was_throttled_does_not_count_as_an_attempt(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    stripe_fake.failures = [CircuitOpen("stripe", wait_s=60)]
    async with working(pool, stripe_fake):
        await payments.request()
        await eventually(payments.tasks, until=lambda rows: rows[0][3] is not None)
    assert await payments.tasks() == [("create_intent", "due", 0, "The circuit breaker stripe is open.")]
    async with pool.connection() as conn:
        cursor = await conn.execute("SELECT first_attempt_at FROM consumers.gateway_tasks")
        assert await cursor.fetchall() == [(None,)]


async def test_whose_intent_it_is_is_noted_with_the_event(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    async with working(pool, stripe_fake):
        payment_id = await payments.request()
        await payments.becomes(payment_id, "succeeded")
    async with pool.connection() as conn:
        cursor = await conn.execute("SELECT intent_id, payment_id FROM consumers.payment_intents")
        assert await cursor.fetchall() == [("pi_1", payment_id)]


async def test_a_refresh_has_one_row_and_one_id() -> None:
    payment_id = PaymentId(uuid.uuid4())
    assert refresh_id(payment_id) == refresh_id(payment_id)
    assert refresh_id(payment_id) != refresh_id(PaymentId(uuid.uuid4()))


async def _reads(stripe_fake: MemoryStripe, count: int) -> bool:
    return len(stripe_fake.reads) >= count


async def test_a_refresh_of_an_unknown_intent_reads_the_payment_once_it_is_known(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    async with pool.connection() as conn:
        assert await find_or_await_intents(conn, [StripeIntentId("pi_1"), StripeIntentId("pi_of_others")]) == {}
    async with working(pool, stripe_fake):
        await payments.request()
        await payments.request()
        await payments.all_done()
    operations = [row[0] for row in await payments.tasks()]
    assert sorted(operations) == ["create_intent", "create_intent", "refresh_payment"]

"""The gateway's workers on a real database: every wanted call is made once, and its outcome recorded once."""

import asyncio
import time
import uuid
from functools import partial
from types import SimpleNamespace
from unittest import mock

import pytest
import stripe
from prometheus_client import REGISTRY

from consumers.gateway.plan import RESEND_HORIZON_S
from consumers.stripe.fakes import MemoryStripe
from consumers.stripe.translate.ids import PAYMENT_ID
from consumers.tasks.models import TaskOperation
from domain.ids import AttemptId, RefundId, RequestId, StripeIntentId
from domain.money import Money
from domain.payment.commands import CancelPayment, CapturePayment, ConfirmPayment, RequestRefund
from domain.payment.observations import RecordAttemptFailed
from domain.payment.values import CaptureMethod
from infra.postgres.pool import Pool, create_pool
from tests.integration.consumers.gateway.gateway_without_kafka import Payments, working
from tests.support.database import Database
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

TEN = Money(amount_cents=1000, currency="USD")


@pytest.fixture
def payments(pool: Pool) -> Payments:
    return Payments(pool)


@pytest.fixture
def stripe_fake() -> MemoryStripe:
    return MemoryStripe()


def listed_a_whole_life_of_a_key(stripe_fake: MemoryStripe) -> list[bool]:
    """Return of each listing whether it began a day ago or earlier, and went over a day at least."""
    day, now = 24 * 3600, time.time()
    assert stripe_fake.listed
    return [first < now - day and last > first + day for first, last in stripe_fake.listed]


def server_error() -> stripe.APIError:
    """Return a failure that is not kept for the key: Stripe says to send it again."""
    body = {"error": {"type": "api_error", "message": "boom"}}
    return stripe.APIError("boom", http_status=500, json_body=body, headers={"Stripe-Should-Retry": "true"})


def not_authenticated() -> stripe.AuthenticationError:
    body = {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided"}}
    return stripe.AuthenticationError("Invalid API Key provided", http_status=401, json_body=body)


async def test_a_payment_is_charged_and_refunded(payments: Payments, stripe_fake: MemoryStripe, pool: Pool) -> None:
    async with working(pool, stripe_fake):
        payment_id = await payments.request()
        state = await payments.becomes(payment_id, "succeeded")
        assert (state.intent_id, state.charge_id, state.amount_captured) == ("pi_1", "ch_1", TEN)
        refund_id = RefundId(uuid.uuid4())
        await payments.command(payment_id, RequestRefund(refund_id=RefundId(refund_id)))
        await payments.all_done()
    state = await payments.state(payment_id)
    assert state.amount_refunded == TEN
    assert len(stripe_fake.intents) == len(stripe_fake.refunds) == 1


async def test_the_time_of_a_payment_is_observed_once(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    def observed(what: str) -> float:
        name = f"payment_processing_duration_seconds_{what}"
        return REGISTRY.get_sample_value(name, {"status": "succeeded"}) or 0.0

    count, total = observed("count"), observed("sum")
    async with working(pool, stripe_fake):
        payment_id = await payments.request()
        await payments.becomes(payment_id, "succeeded")
        await payments.command(payment_id, RequestRefund(refund_id=RefundId(uuid.uuid4())))
        await payments.all_done()
    assert observed("count") == count + 1
    assert 0 < observed("sum") - total < 60


async def test_results_say_what_they_come_from(payments: Payments, stripe_fake: MemoryStripe, pool: Pool) -> None:
    payment_id = await payments.request()
    async with working(pool, stripe_fake):
        await payments.all_done()
    async with pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT event_id::text, metadata FROM event_store.events WHERE stream_id = %s ORDER BY version",
            [payment_id],
        )
        (requested, _), *results = await cursor.fetchall()
    assert len(results) == 2
    for _, metadata in results:
        assert metadata["causation_id"] == requested
        assert metadata["correlation_id"] == "c-1"
        assert metadata["request_id"] == "r-1"
        assert metadata["actor"] == "stripe-gateway"
        assert metadata["merchant_id"] == "merchant_test"


async def test_a_declined_payment_can_be_confirmed_with_another_card(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    async with working(pool, stripe_fake):
        payment_id = await payments.request(payment_method="pm_card_chargeDeclined")
        state = await payments.becomes(payment_id, "requires_payment_method")
        assert state.last_error is not None
        assert (state.last_error.code, state.last_error.decline_code) == ("card_declined", "generic_decline")
        await payments.command(payment_id, ConfirmPayment(payment_method="pm_card_visa"))
        await payments.becomes(payment_id, "succeeded")


async def test_of_two_confirmations_the_later_one_alone_is_sent(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    async with working(pool, stripe_fake):
        payment_id = await payments.request(payment_method="pm_card_chargeDeclined")
        await payments.becomes(payment_id, "requires_payment_method")
        await payments.all_done()
    await payments.command(payment_id, ConfirmPayment(payment_method="pm_card_visa"))
    answered = RecordAttemptFailed(
        intent_id=StripeIntentId("pi_1"), attempt_id=AttemptId("ch_2"), code="c", decline_code=None, message="No."
    )
    await payments.command(payment_id, answered)  # known by another way, while the call still waits
    await payments.command(payment_id, ConfirmPayment(payment_method="pm_card_mastercard"))
    async with working(pool, stripe_fake):
        await payments.becomes(payment_id, "succeeded")
        await payments.all_done()
    sent = [each.params for each in stripe_fake.sent if each.operation is TaskOperation.CONFIRM_INTENT]
    assert [params["payment_method"] for params in sent] == ["pm_card_mastercard"]


async def test_a_hold_is_captured_in_part(payments: Payments, stripe_fake: MemoryStripe, pool: Pool) -> None:
    async with working(pool, stripe_fake):
        payment_id = await payments.request(capture_method=CaptureMethod.MANUAL)
        await payments.becomes(payment_id, "requires_capture")
        four = Money(amount_cents=400, currency="USD")
        await payments.command(payment_id, CapturePayment(request_id=RequestId(uuid.uuid4()), amount=four))
        state = await payments.becomes(payment_id, "succeeded")
    assert state.amount_captured == four


async def test_a_payment_canceled_before_stripe_heard_of_it_is_never_sent(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    payment_id = await payments.request(confirm=False)
    await payments.command(payment_id, CancelPayment(request_id=RequestId(uuid.uuid4()), reason="abandoned"))
    async with working(pool, stripe_fake):
        await payments.becomes(payment_id, "canceled")
        await payments.all_done()
    assert stripe_fake.sent == []


@pytest.mark.parametrize("age_s", [0, 600])
async def test_a_payment_to_cancel_whose_lost_row_was_sent_is_not_canceled(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, age_s: float
) -> None:
    """As after a failover: the row does not tell of the call that it was leased for, which charged the card."""
    payment_id = await payments.request()
    sent = {"amount": 1000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
    stripe_fake._create(sent | {"metadata": {PAYMENT_ID: str(payment_id)}})
    if not age_s:
        stripe_fake.unsearchable = set(stripe_fake.intents)
    await payments.command(payment_id, CancelPayment(request_id=RequestId(uuid.uuid4()), reason="abandoned"))
    later = SimpleNamespace(time=lambda: time.time() + age_s, perf_counter=time.perf_counter)
    with mock.patch("consumers.gateway.worker.time", later), mock.patch("consumers.gateway.look_ups.time", later):
        async with working(pool, stripe_fake):
            await payments.all_done()
    assert (await payments.state(payment_id)).status == "succeeded"
    assert stripe_fake.sent == []


async def test_a_task_made_again_a_day_later_is_looked_up_and_never_sent(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    """As after a restored backup: Stripe may have forgotten the key that the lost row had used."""
    await payments.request()
    a_day_later = SimpleNamespace(time=lambda: time.time() + RESEND_HORIZON_S, perf_counter=time.perf_counter)
    with mock.patch("consumers.gateway.worker.time", a_day_later):
        async with working(pool, stripe_fake):
            await eventually(payments.tasks, lambda rows: rows[0][1] == "unknown")
    assert stripe_fake.sent == []


async def test_a_payment_canceled_during_its_creation_is_canceled_at_stripe(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    stripe_fake.hold = asyncio.Event()
    async with working(pool, stripe_fake):
        payment_id = await payments.request(confirm=False)
        await eventually(lambda: _sent(stripe_fake, 1))
        await payments.command(payment_id, CancelPayment(request_id=RequestId(uuid.uuid4())))
        stripe_fake.hold.set()
        await payments.becomes(payment_id, "canceled")
    assert [intent["status"] for intent in stripe_fake.intents.values()] == ["canceled"]


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.slow
async def test_a_call_that_timed_out_is_sent_again_with_its_key_and_charges_once(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, after_effect: bool
) -> None:
    stripe_fake.failures = [TimeoutError(), server_error(), stripe.APIConnectionError("reset")]
    stripe_fake.after_effect = after_effect
    async with working(pool, stripe_fake):
        payment_id = await payments.request()
        await payments.becomes(payment_id, "succeeded", within=20)
    assert len({request.idempotency_key for request in stripe_fake.sent}) == 1
    assert len(stripe_fake.sent) == 4
    assert len(stripe_fake.intents) == 1


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.slow
async def test_a_refund_that_timed_out_is_sent_again_with_its_key_and_made_once(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, after_effect: bool
) -> None:
    async with working(pool, stripe_fake):
        payment_id = await payments.request()
        await payments.becomes(payment_id, "succeeded")
        stripe_fake.sent.clear()
        stripe_fake.failures = [TimeoutError(), server_error(), stripe.APIConnectionError("reset")]
        stripe_fake.after_effect = after_effect
        amount = Money(amount_cents=600, currency="USD")
        await payments.command(payment_id, RequestRefund(refund_id=RefundId(uuid.uuid4()), amount=amount))
        await payments.all_done(within=20)
    assert len({request.idempotency_key for request in stripe_fake.sent}) == 1
    assert len(stripe_fake.sent) == 4
    assert len(stripe_fake.refunds) == 1
    assert (await payments.state(payment_id)).amount_refunded == amount


async def test_a_wrong_key_of_ours_is_never_recorded_as_a_refusal(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    stripe_fake.failures = [not_authenticated()] * 100
    async with working(pool, stripe_fake):
        payment_id = await payments.request()
        await eventually(payments.tasks, until=lambda rows: rows[0][3] is not None)
        assert await payments.event_types(payment_id) == ["payment.requested"]
        stripe_fake.failures.clear()
        await payments.execute("UPDATE consumers.gateway_tasks SET due_at = now()")
        await payments.becomes(payment_id, "succeeded")


async def test_a_reused_key_is_a_dead_letter_that_holds_back_its_payment_alone(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    body = {"error": {"type": "idempotency_error", "message": "another request"}}
    stripe_fake.failures = [stripe.IdempotencyError("another request", http_status=400, json_body=body)]
    dead = await payments.request(confirm=False)
    async with working(pool, stripe_fake):
        await eventually(payments.tasks, until=lambda rows: rows[0][1] == "dead")
        await payments.command(dead, CancelPayment(request_id=RequestId(uuid.uuid4())))
        alive = await payments.request()
        await payments.becomes(alive, "succeeded")
    rows = await payments.tasks()
    assert [row[:3] for row in rows[:2]] == [("create_intent", "dead", 1), ("cancel_intent", "due", 0)]
    assert len(stripe_fake.intents) == 1


async def test_an_old_call_is_never_sent_again_but_looked_up(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    stripe_fake.failures, stripe_fake.after_effect = [TimeoutError() for _ in range(1000)], True
    async with working(pool, stripe_fake):
        payment_id = await payments.request()
        await eventually(lambda: _sent(stripe_fake, 1))
    sent = len(stripe_fake.sent)  # it may have been sent again before the workers stopped
    stripe_fake.failures.clear()
    await payments.execute(
        "UPDATE consumers.gateway_tasks SET first_attempt_at = now() - interval '23 hours', due_at = now()"
    )
    async with working(pool, stripe_fake):
        await payments.becomes(payment_id, "succeeded")
    assert len(stripe_fake.sent) == sent


async def test_a_call_that_stripe_never_got_fails_only_when_its_key_is_dead(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    payment_id = await payments.request()
    await payments.execute("UPDATE consumers.gateway_tasks SET first_attempt_at = now() - interval '23.5 hours'")
    async with working(pool, stripe_fake):
        await eventually(payments.tasks, until=lambda rows: rows[0][1] == "unknown" and rows[0][2] > 2)
        assert (await payments.state(payment_id)).status == "pending"
        await payments.execute("UPDATE consumers.gateway_tasks SET first_attempt_at = now() - interval '25 hours'")
        state = await payments.becomes(payment_id, "failed")
    assert state.last_error is not None
    assert state.last_error.code == "not_processed"
    assert stripe_fake.sent == []
    assert all(listed_a_whole_life_of_a_key(stripe_fake))


async def test_a_payment_hidden_from_stripes_search_is_listed_before_it_fails(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    stripe_fake.failures, stripe_fake.after_effect = [TimeoutError() for _ in range(1000)], True
    async with working(pool, stripe_fake):
        payment_id = await payments.request()
        await eventually(lambda: _sent(stripe_fake, 1))
    sent = len(stripe_fake.sent)  # it may have been sent again before the workers stopped
    stripe_fake.failures.clear()
    stripe_fake.unsearchable = {"pi_1"}
    await payments.execute(
        "UPDATE consumers.gateway_tasks SET due_at = now(), outcome_unknown = true, status = 'unknown',"
        " first_attempt_at = now() - interval '24 hours'"
    )
    async with working(pool, stripe_fake):
        await payments.becomes(payment_id, "succeeded")
    assert len(stripe_fake.sent) == sent
    assert all(listed_a_whole_life_of_a_key(stripe_fake))


async def test_a_fact_that_contradicts_the_log_is_a_dead_letter_of_its_own(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    ids = [await payments.request() for _ in range(5)]
    original = stripe_fake._create

    def with_a_wrong_amount(params: dict[str, object]) -> object:
        answer = original(params)
        if params["metadata"]["paystream_payment_id"] == str(ids[2]):  # type: ignore[index]
            assert isinstance(answer, dict)
            answer["amount_received"] = 99_999
        return answer

    stripe_fake._create = with_a_wrong_amount  # type: ignore[method-assign, assignment]
    async with working(pool, stripe_fake):
        for payment_id in ids[:2] + ids[3:]:
            await payments.becomes(payment_id, "succeeded")
        await eventually(payments.tasks, until=lambda rows: rows[2][1] == "dead")
    assert "InconsistentObservation" in str((await payments.tasks())[2][3])
    assert await payments.event_types(ids[2]) == ["payment.requested", "payment.contradicted"]


async def test_a_payment_that_changed_during_the_call_is_decided_on_again(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    stripe_fake.hold = asyncio.Event()
    async with working(pool, stripe_fake):
        payment_id = await payments.request()
        await eventually(lambda: _sent(stripe_fake, 1))
        await payments.command(payment_id, CancelPayment(request_id=RequestId(uuid.uuid4())))
        stripe_fake.hold.set()
        await payments.becomes(payment_id, "succeeded")
        await payments.all_done()
    assert await payments.event_types(payment_id) == [
        "payment.requested",
        "payment.cancel_requested",
        "payment.intent_created",
        "payment.succeeded",
    ]


async def test_many_payments_with_refunds_keep_their_order_and_never_overlap(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    stripe_fake.latency_s = 0.02
    stripe_fake.failures = [server_error() for _ in range(20)]
    ids = [await payments.request() for _ in range(40)]
    async with working(pool, stripe_fake, concurrency=8), working(pool, stripe_fake, concurrency=8):
        for payment_id in ids:
            await payments.becomes(payment_id, "succeeded", within=30)
        for payment_id in ids:
            for _ in range(2):
                amount = Money(amount_cents=500, currency="USD")
                await payments.command(payment_id, RequestRefund(refund_id=RefundId(uuid.uuid4()), amount=amount))
        await payments.all_done(within=30)
    assert set(stripe_fake.most_in_flight.values()) == {1}
    assert len(stripe_fake.intents) == 40
    assert len(stripe_fake.refunds) == 80
    for payment_id in ids:
        assert (await payments.state(payment_id)).amount_refunded == TEN


async def test_a_worker_that_stops_puts_back_what_it_could_not_finish(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumers.gateway.pool._DRAIN_S", 0.2)
    stripe_fake.hold = asyncio.Event()
    payment_id = await payments.request()
    async with working(pool, stripe_fake):
        await eventually(lambda: _sent(stripe_fake, 1))
    assert (await payments.tasks())[0][:3] == ("create_intent", "due", 1)
    stripe_fake.hold = None
    async with working(pool, stripe_fake):
        await payments.becomes(payment_id, "succeeded")
    assert len(stripe_fake.intents) == 1


async def test_connections_that_break_during_calls_cost_nothing(
    payments: Payments, stripe_fake: MemoryStripe, database: Database
) -> None:
    stripe_fake.latency_s = 0.1
    ids = [await payments.request() for _ in range(20)]
    async with (
        create_pool(database.url("app"), size=4, name="workers") as breaking,
        working(breaking, stripe_fake, concurrency=5),
    ):
        for number in range(10):
            await eventually(partial(_sent, stripe_fake, 2 * number + 1), every=0.005)
            await payments.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'workers'"
            )
        for payment_id in ids:
            await payments.becomes(payment_id, "succeeded", within=40)
    assert len(stripe_fake.intents) == 20


async def _sent(stripe_fake: MemoryStripe, count: int) -> bool:
    return len(stripe_fake.sent) >= count


async def test_a_payment_that_stripe_was_not_asked_for_in_time_is_canceled(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    payment_id = await payments.request(expires_in_seconds=60)
    later = SimpleNamespace(time=lambda: time.time() + 61, perf_counter=time.perf_counter)
    with mock.patch("consumers.gateway.worker.time", later):
        async with working(pool, stripe_fake):
            await payments.becomes(payment_id, "canceled")
    assert stripe_fake.sent == []
    assert (await payments.event_types(payment_id))[-1] == "payment.canceled"


async def test_while_stripe_is_away_an_expired_payment_stays_as_it_is(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    payment_id = await payments.request(expires_in_seconds=60)
    later = SimpleNamespace(time=lambda: time.time() + 61, perf_counter=time.perf_counter)
    with (
        mock.patch("consumers.gateway.worker.time", later),
        mock.patch.object(stripe_fake, "find_intent", side_effect=TimeoutError),
        mock.patch.object(stripe_fake, "list_intent", side_effect=TimeoutError),
    ):
        async with working(pool, stripe_fake):
            await eventually(payments.tasks, lambda rows: rows[0][3] is not None)
    assert (await payments.event_types(payment_id)) == ["payment.requested"]
    with mock.patch("consumers.gateway.worker.time", later):
        async with working(pool, stripe_fake):
            await payments.becomes(payment_id, "canceled")

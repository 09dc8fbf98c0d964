"""What Stripe answered with a failure of its own: looked up soon, called failed, undone should it appear after all."""

import asyncio
import uuid
from typing import Any
from unittest import mock

import pytest
import stripe

from consumers.stripe.fakes import MemoryStripe
from consumers.stripe.translate.ids import PAYMENT_ID
from consumers.tasks.intent_index import find_or_await_intents
from consumers.tasks.models import TaskOperation
from domain.ids import PaymentId, RefundId, RequestId, StripeIntentId
from domain.money import Money
from domain.payment.commands import CapturePayment, RequestRefund
from domain.payment.events import TaskUndone
from domain.payment.values import CaptureMethod
from event_store.payments import load_payment
from infra.postgres.pool import Pool
from schemas.events import PAYMENT_CODEC
from tests.integration.consumers.gateway.gateway_without_kafka import Payments, working
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

TEN = Money(amount_cents=1000, currency="USD")
SOON: dict[str, Any] = {"lookup_after_s": 0.05, "not_listed_after_s": 0.3}


@pytest.fixture
def payments(pool: Pool) -> Payments:
    return Payments(pool)


@pytest.fixture
def stripe_fake() -> MemoryStripe:
    return MemoryStripe()


async def undone(payments: Payments, pool: Pool, payment_id: PaymentId) -> TaskUndone:
    async def look() -> list[TaskUndone]:
        async with pool.connection() as conn:
            events = (await load_payment(conn, payment_id)).events
        return [event for event in map(PAYMENT_CODEC.decode, events) if isinstance(event, TaskUndone)]

    (found,) = await eventually(look, until=lambda undone: len(undone) > 0)
    assert (await payments.state(payment_id)).status == "failed"
    return found


async def appear(stripe_fake: MemoryStripe, payment_id: PaymentId, **params: Any) -> None:
    """Let Stripe make, late, what it had answered with a failure."""
    charge = {"amount": 1000, "currency": "usd", "metadata": {PAYMENT_ID: str(payment_id)}, "confirm": True}
    stripe_fake._create(charge | {"payment_method": "pm_card_visa"} | params)


async def test_a_creation_that_is_not_listed_fails_within_the_time_set(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    stripe_fake.server_errors = [False]
    async with working(pool, stripe_fake, **SOON):
        payment_id = await payments.request()
        state = await payments.becomes(payment_id, "failed")
    assert state.last_error is not None
    assert state.last_error.code == "not_processed"
    assert len(stripe_fake.sent) == 1, "its failure is stored for the key: to send it again tells nothing"


async def test_a_creation_that_the_search_hides_is_found_in_the_list_at_once(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    stripe_fake.server_errors, stripe_fake.unsearchable = [True], {"pi_1"}
    async with working(pool, stripe_fake, lookup_after_s=0.05, not_listed_after_s=3600):
        payment_id = await payments.request()
        await payments.becomes(payment_id, "succeeded")
        await payments.all_done()


@pytest.mark.parametrize(
    ("made", "how", "amount"),
    [
        ({}, "refunded", 1000),
        ({"capture_method": "manual"}, "canceled", 0),
        ({"confirm": False}, "canceled", 0),
    ],
)
async def test_a_payment_that_appears_after_it_failed_is_undone(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, *, made: dict[str, Any], how: str, amount: int
) -> None:
    stripe_fake.server_errors = [False]
    async with working(pool, stripe_fake, **SOON):
        payment_id = await payments.request()
        await payments.becomes(payment_id, "failed")
        await appear(stripe_fake, payment_id, **made)
        await payments.refresh(payment_id)  # as its webhook does; without one, it is looked for now and then
        found = await undone(payments, pool, payment_id)
        await payments.all_done()
        await payments.refresh(payment_id)
        await payments.all_done()
    assert (found.how, found.amount, found.intent_id) == (how, Money(amount_cents=amount, currency="USD"), "pi_1")
    assert sum(refund["amount"] for refund in stripe_fake.refunds) == amount
    assert (found.charge_id is not None) is (how == "refunded")
    made_refunds = [(refund["id"], refund["amount"]) for refund in stripe_fake.refunds]
    assert [(each.stripe_refund_id, each.amount.amount_cents) for each in found.refunds] == made_refunds
    assert stripe_fake.intents["pi_1"]["status"] == ("succeeded" if amount else "canceled")
    assert (await payments.event_types(payment_id)).count("payment.task_undone") == 1


async def made_late_and_undone(payments: Payments, stripe_fake: MemoryStripe, pool: Pool) -> PaymentId:
    payment_id = await payments.request()
    await payments.becomes(payment_id, "failed")
    await appear(stripe_fake, payment_id)
    await payments.refresh(payment_id)
    await undone(payments, pool, payment_id)
    await payments.all_done()
    return payment_id


async def test_an_undoing_that_the_bank_sends_back_calls_a_person(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    stripe_fake.server_errors = [False]
    async with working(pool, stripe_fake, **SOON):
        payment_id = await made_late_and_undone(payments, stripe_fake, pool)
        stripe_fake.refunds[0]["status"] = "failed"
        await payments.refresh(payment_id)
        tasks = await eventually(payments.tasks, until=lambda rows: "dead" in [row[1] for row in rows])
    assert [row[3] for row in tasks if row[1] == "dead"] == ["What was undone at Stripe came back"]
    assert len(stripe_fake.refunds) == 1, "it is not refunded once more by itself"


@pytest.mark.parametrize(("status", "ends"), [("needs_response", "dead"), ("lost", "dead"), ("won", "done")])
async def test_a_dispute_of_what_was_undone_finds_its_payment_and_a_person(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, *, status: str, ends: str
) -> None:
    stripe_fake.server_errors = [False]
    async with pool.connection() as conn:
        assert await find_or_await_intents(conn, [StripeIntentId("pi_1")]) == {}, "a webhook of the dispute came first"
    async with working(pool, stripe_fake, **SOON):
        payment_id = await made_late_and_undone(payments, stripe_fake, pool)
        async with pool.connection() as conn:
            assert await find_or_await_intents(conn, [StripeIntentId("pi_1")]) == {"pi_1": payment_id}
        stripe_fake.disputes.append({"id": "du_1", "payment_intent": "pi_1", "status": status})
        await payments.refresh(payment_id)
        tasks = await eventually(payments.tasks, until=lambda rows: all(row[1] in {"dead", "done"} for row in rows))
    said = [row[3] for row in tasks if row[0] == TaskOperation.REFRESH_PAYMENT]
    assert said == ["What was undone at Stripe is disputed: du_1" if ends == "dead" else None]


@pytest.mark.parametrize(
    "is_done_at_stripe",
    [
        pytest.param(True, id="its answer is lost"),
        # Its failure is stored for the key: to ask again with that one leaves the payer charged for a day.
        pytest.param(False, id="it failed"),
    ],
)
async def test_an_undoing_that_has_no_good_answer_is_done_once(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, is_done_at_stripe: bool
) -> None:
    stripe_fake.server_errors = [False]
    async with working(pool, stripe_fake, **SOON):
        payment_id = await payments.request()
        await payments.becomes(payment_id, "failed")
        await appear(stripe_fake, payment_id)
        stripe_fake.server_errors = [is_done_at_stripe]
        await payments.refresh(payment_id)
        # At once, under a second key, or when the task is due again: by the time somebody looks, it may be over.
        await eventually(lambda: sent(stripe_fake, TaskOperation.CREATE_REFUND), until=lambda times: times >= 1)
        await eventually(lambda: hasten(payments), until=lambda rows: all(row[1] == "done" for row in rows))
        await undone(payments, pool, payment_id)
    assert [refund["amount"] for refund in stripe_fake.refunds] == [1000]


async def test_a_late_charge_that_is_disputed_is_undone_once_the_dispute_is_won(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    stripe_fake.server_errors = [False]
    refusal = {"error": {"type": "invalid_request_error", "code": "charge_disputed", "message": "It is disputed."}}
    disputed = stripe.InvalidRequestError("disputed", None, "charge_disputed", http_status=400, json_body=refusal)
    async with working(pool, stripe_fake, **SOON):
        payment_id = await payments.request()
        await payments.becomes(payment_id, "failed")
        await appear(stripe_fake, payment_id)
        with mock.patch.object(stripe_fake, "_refund", side_effect=disputed):
            await payments.refresh(payment_id)
            tasks = await eventually(payments.tasks, until=lambda rows: "dead" in [row[1] for row in rows])
        assert [row[3] for row in tasks if row[1] == "dead"] == [
            "It could not be undone: charge_disputed: It is disputed."
        ]
        await payments.refresh(payment_id)  # as the webhook does that says the dispute is won
        await undone(payments, pool, payment_id)
        await payments.all_done()
    assert [refund["amount"] for refund in stripe_fake.refunds] == [1000]


async def hasten(payments: Payments) -> list[tuple[str, str, int, str | None]]:
    await payments.execute("UPDATE consumers.gateway_tasks SET due_at = now() WHERE status = 'due'")
    return await payments.tasks()


async def sent(stripe_fake: MemoryStripe, operation: TaskOperation) -> int:
    return sum(request.operation is operation for request in stripe_fake.sent)


@pytest.mark.parametrize("operation", [TaskOperation.CAPTURE_INTENT, TaskOperation.CREATE_REFUND])
async def test_what_cannot_be_undone_keeps_what_it_holds(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, *, operation: TaskOperation
) -> None:
    captures = operation is TaskOperation.CAPTURE_INTENT
    async with working(pool, stripe_fake, lookup_after_s=0.02, not_listed_after_s=0.05):
        method = CaptureMethod.MANUAL if captures else CaptureMethod.AUTOMATIC
        payment_id = await payments.request(capture_method=method)
        await payments.becomes(payment_id, "requires_capture" if captures else "succeeded")
        stripe_fake.server_errors = [False]
        command = (
            CapturePayment(request_id=RequestId(uuid.uuid4()))
            if captures
            else RequestRefund(refund_id=RefundId(uuid.uuid4()))
        )
        await payments.command(payment_id, command)
        await eventually(payments.tasks, until=lambda rows: rows[-1][1] == "unknown" and rows[-1][2] > 8)
    state = await payments.state(payment_id)
    assert (state.capture_requested is not None) is captures
    assert state.amount_refund_pending.amount_cents == (0 if captures else 1000)


async def test_a_call_whose_outcome_a_webhook_told_holds_up_nobody(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool
) -> None:
    """The look-up of the creation is an hour away; its refund must not wait for that."""
    stripe_fake.server_errors = [True]
    find, stripe_fake.list_intent = stripe_fake.list_intent, _nothing  # type: ignore[method-assign]
    async with working(pool, stripe_fake):
        payment_id = await payments.request()
        await eventually(payments.tasks, until=lambda rows: rows[0][1] == "unknown")
        stripe_fake.list_intent = find  # type: ignore[method-assign]
        await payments.execute("UPDATE consumers.gateway_tasks SET due_at = now() + interval '1 hour'")
        await payments.refresh(payment_id)
        await payments.becomes(payment_id, "succeeded")
        await payments.command(payment_id, RequestRefund(refund_id=RefundId(uuid.uuid4()), amount=TEN))
        await payments.all_done()
    assert (await payments.state(payment_id)).amount_refunded == TEN


async def _nothing(*_: Any, **__: Any) -> None:
    await asyncio.sleep(0)

"""Operators retry stuck calls and give them up: the log names the actor and the reason, and no money goes twice."""

import asyncio
import getpass
import json
import uuid
from typing import TypedDict

import psycopg
import pytest
import stripe

from consumers.gateway.operators import ListedTask, TaskAdmin, TaskRefused
from consumers.stripe.fakes import MemoryStripe
from consumers.tasks.claims import claim
from domain.ids import EventId, PaymentId, RefundId, RequestId
from domain.money import Money
from domain.payment.commands import CancelPayment, CapturePayment, RequestRefund
from domain.payment.events import TaskGivenUp, TaskRetried
from domain.payment.values import CaptureMethod, RefundStatus
from event_store.payments import load_payment
from infra.postgres.pool import Pool
from schemas.events import PAYMENT_CODEC
from tests.integration.consumers.gateway.gateway_without_kafka import Payments, working
from tests.support import paystream_command
from tests.support.database import Database
from tests.support.events_of_a_newer_release import append_unknown_event
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

FIVE = Money(amount_cents=500, currency="USD")


class Said(TypedDict):
    actor: str
    reason: str


OPERATOR: Said = {"actor": "alex", "reason": "ticket 7"}


@pytest.fixture
def payments(pool: Pool) -> Payments:
    return Payments(pool)


@pytest.fixture
def stripe_fake() -> MemoryStripe:
    return MemoryStripe()


@pytest.fixture
def admin() -> TaskAdmin:
    return TaskAdmin()


def another_request() -> stripe.IdempotencyError:
    body = {"error": {"type": "idempotency_error", "message": "another request"}}
    return stripe.IdempotencyError("another request", http_status=400, json_body=body)


async def a_dead_refund(payments: Payments, stripe_fake: MemoryStripe, pool: Pool) -> tuple[PaymentId, RefundId]:
    """Return a payment whose refund is a dead letter, and the refund's id. Stripe never made the refund."""
    async with working(pool, stripe_fake):
        payment_id, refund_id = await payments.request(), RefundId(uuid.uuid4())
        await payments.becomes(payment_id, "succeeded")
        stripe_fake.failures = [another_request()]
        await payments.command(payment_id, RequestRefund(refund_id=refund_id, amount=FIVE))
        await eventually(payments.tasks, until=lambda rows: rows[-1][1] == "dead")
    return payment_id, refund_id


async def listed(pool: Pool, admin: TaskAdmin, *statuses: str) -> list[ListedTask]:
    async with pool.connection() as conn:
        return await admin.list_tasks(conn, statuses=statuses or ("dead", "unknown"))


async def test_a_dead_call_is_listed_and_sent_again_with_its_key(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, admin: TaskAdmin
) -> None:
    payment_id, refund_id = await a_dead_refund(payments, stripe_fake, pool)
    (task,) = await listed(pool, admin)
    assert (task.payment_id, task.operation, task.status, task.found) == (payment_id, "create_refund", "dead", 1)
    assert "another request" in str(task.last_error)
    async with pool.connection() as conn:
        assert (
            await admin.retry(conn, task.event_id, **OPERATOR)
            == "It will be sent again, with the same idempotency key."
        )
    async with working(pool, stripe_fake):
        await payments.all_done()
    state = await payments.state(payment_id)
    assert state.refunds[refund_id].status is RefundStatus.SUCCEEDED
    assert {request.idempotency_key for request in stripe_fake.sent[1:]} == {str(task.event_id)}
    async with pool.connection() as conn:
        events = (await load_payment(conn, payment_id)).events
    (retried,) = (event for event in events if event.type == "payment.task_retried")
    assert retried.metadata.actor == "operator:alex"
    assert retried.metadata.causation_id == str(task.event_id)
    assert PAYMENT_CODEC.decode(retried) == TaskRetried(
        event_id=EventId(task.event_id), operation="create_refund", actor="alex", reason="ticket 7"
    )


@pytest.mark.parametrize("made", [True, False])
async def test_a_retry_past_the_horizon_asks_stripe_and_never_sends(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, admin: TaskAdmin, made: bool
) -> None:
    payment_id, refund_id = await a_dead_refund(payments, stripe_fake, pool)
    if made:
        metadata = {"paystream_refund_id": str(refund_id)}
        refund = {"id": "re_1", "status": "succeeded", "amount": 500, "currency": "usd", "payment_intent": "pi_1"}
        stripe_fake.refunds.append(refund | {"metadata": metadata})
    await payments.execute("UPDATE consumers.gateway_tasks SET first_attempt_at = now() - interval '25 hours'")
    (task,) = await listed(pool, admin)
    sent = len(stripe_fake.sent)
    async with pool.connection() as conn:
        said = await admin.retry(conn, task.event_id, **OPERATOR)
    assert said == "Stripe will be asked what became of it; it is not sent again."
    async with working(pool, stripe_fake):
        await payments.all_done()
    assert len(stripe_fake.sent) == sent
    refund_state = (await payments.state(payment_id)).refunds[refund_id]
    assert refund_state.status is (RefundStatus.SUCCEEDED if made else RefundStatus.FAILED)


async def test_giving_up_what_stripe_may_have_done_needs_force_and_fails_it(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, admin: TaskAdmin
) -> None:
    payment_id, refund_id = await a_dead_refund(payments, stripe_fake, pool)
    (task,) = await listed(pool, admin)
    async with pool.connection() as conn:
        with pytest.raises(TaskRefused, match="Stripe may have done it"):
            await admin.give_up(conn, task.event_id, **OPERATOR)
        assert "payment.task_given_up" not in await payments.event_types(payment_id)
        said = await admin.give_up(conn, task.event_id, force=True, **OPERATOR)
    assert said == "It is given up. Recorded: TaskGivenUp, RefundFailed."
    assert (await payments.event_types(payment_id))[-2:] == [
        "payment.task_given_up",
        "payment.refund_failed",
    ]
    state = await payments.state(payment_id)
    refund = state.refunds[refund_id]
    assert refund.status is RefundStatus.FAILED
    assert refund.error is not None
    assert refund.error.code == "given_up"
    assert state.amount_refundable == Money(amount_cents=1000, currency="USD")
    assert await listed(pool, admin) == []
    async with pool.connection() as conn:
        events = (await load_payment(conn, payment_id)).events
    assert PAYMENT_CODEC.decode(events[-2]) == TaskGivenUp(
        event_id=EventId(task.event_id), operation="create_refund", actor="alex", reason="ticket 7"
    )
    async with pool.connection() as conn:
        with pytest.raises(TaskRefused, match="is done"):
            await admin.retry(conn, task.event_id, **OPERATOR)


async def test_a_call_that_was_given_up_is_not_made_when_its_task_is_made_again(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, admin: TaskAdmin
) -> None:
    payment_id, _ = await a_dead_refund(payments, stripe_fake, pool)
    (task,) = await listed(pool, admin)
    async with pool.connection() as conn:
        await admin.give_up(conn, task.event_id, force=True, **OPERATOR)
    sent = len(stripe_fake.sent)
    await payments.execute(
        "UPDATE consumers.gateway_tasks SET status = 'due', attempts = 0, first_attempt_at = NULL, finished_at = NULL"
        " WHERE operation = 'create_refund'"
    )
    async with working(pool, stripe_fake):
        await payments.all_done()
    assert len(stripe_fake.sent) == sent
    assert (await payments.event_types(payment_id))[-1] == "payment.refund_failed"


async def test_giving_up_what_was_never_sent_needs_no_force_and_frees_what_waits(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, admin: TaskAdmin
) -> None:
    async with working(pool, stripe_fake):
        payment_id = await payments.request(capture_method=CaptureMethod.MANUAL)
        await payments.becomes(payment_id, "requires_capture")
        await payments.all_done()
    await payments.command(payment_id, CapturePayment(request_id=RequestId(uuid.uuid4())))
    (task,) = await listed(pool, admin, "due")
    async with pool.connection() as conn:
        said = await admin.give_up(conn, task.event_id, **OPERATOR)
    assert said == "It is given up. Recorded: TaskGivenUp, PaymentCaptureFailed."
    async with working(pool, stripe_fake):
        await payments.command(payment_id, CapturePayment(request_id=RequestId(uuid.uuid4())))
        await payments.becomes(payment_id, "succeeded")


async def test_giving_up_needs_force_where_a_recovery_may_have_lost_tries(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, admin: TaskAdmin, database: Database
) -> None:
    async with working(pool, stripe_fake):
        payment_id = await payments.request()
        await payments.becomes(payment_id, "succeeded")
    # A standby took over that had the request for a refund, and not that its task was claimed.
    before, after = RefundId(uuid.uuid4()), RefundId(uuid.uuid4())
    await payments.command(payment_id, RequestRefund(refund_id=before, amount=FIVE))
    async with await psycopg.AsyncConnection.connect(database.url("owner")) as owner:
        await owner.execute("SELECT event_store.close_log('a standby took over')")
        await owner.execute("SELECT event_store.reopen_log(0, 0, '{}')")
    await payments.command(payment_id, RequestRefund(refund_id=after, amount=FIVE))
    first, second = await listed(pool, admin, "due")
    async with pool.connection() as conn:
        with pytest.raises(TaskRefused, match="the log was recovered since it was requested"):
            await admin.give_up(conn, first.event_id, **OPERATOR)
        await admin.give_up(conn, second.event_id, **OPERATOR)
        assert (await payments.state(payment_id)).refunds[before].status is RefundStatus.PENDING
        await admin.give_up(conn, first.event_id, force=True, **OPERATOR)
    refunds = (await payments.state(payment_id)).refunds
    assert {refunds[each].status for each in (before, after)} == {RefundStatus.FAILED}


async def test_a_cancellation_is_not_given_up_before_the_open_charge(
    payments: Payments, pool: Pool, admin: TaskAdmin
) -> None:
    payment_id = await payments.request()
    await payments.command(payment_id, CancelPayment(request_id=RequestId(uuid.uuid4())))
    creation, cancellation = await listed(pool, admin, "due")
    async with pool.connection() as conn:
        with pytest.raises(TaskRefused, match="comes before its cancellation"):
            await admin.give_up(conn, cancellation.event_id, **OPERATOR)
    state = await payments.state(payment_id)
    assert (state.last_error, state.cancel_requested is None) == (None, False)
    async with pool.connection() as conn:
        await admin.give_up(conn, creation.event_id, **OPERATOR)
    assert (await payments.state(payment_id)).status == "failed"


async def test_a_dead_refresh_is_retried_or_dismissed_and_concludes_nothing(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, admin: TaskAdmin
) -> None:
    async with working(pool, stripe_fake):
        payment_id = await payments.request()
        await payments.becomes(payment_id, "succeeded")
        stripe_fake.intents["pi_1"]["status"] = "odd"
        await payments.refresh(payment_id)
        (task,) = await eventually(lambda: listed(pool, admin))
        async with pool.connection() as conn:
            assert await admin.retry(conn, task.event_id, **OPERATOR) == "The payment will be read at Stripe."
        (task,) = await eventually(lambda: listed(pool, admin))
        async with pool.connection() as conn:
            said = await admin.give_up(conn, task.event_id, **OPERATOR)
        assert said == "It is given up. Recorded: TaskGivenUp."
        stripe_fake.intents["pi_1"]["status"] = "succeeded"
        await payments.refresh(payment_id)
        await payments.all_done()
    assert (await payments.state(payment_id)).status == "succeeded"


async def test_a_call_in_work_is_left_alone(payments: Payments, pool: Pool, admin: TaskAdmin) -> None:
    await payments.request()
    async with pool.connection() as conn:
        (task,) = await claim(conn, limit=1, lease_ms=30_000)
    async with pool.connection() as conn:
        for act in (admin.retry, admin.give_up):
            with pytest.raises(TaskRefused, match="in work at this moment"):
                await act(conn, task.event_id, **OPERATOR)
        with pytest.raises(TaskRefused, match="There is no task"):
            await admin.retry(conn, EventId(uuid.uuid4()), **OPERATOR)


async def test_without_a_reason_nothing_is_done(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, admin: TaskAdmin
) -> None:
    await a_dead_refund(payments, stripe_fake, pool)
    (task,) = await listed(pool, admin)
    async with pool.connection() as conn:
        with pytest.raises(TaskRefused, match="reason must not be empty"):
            await admin.give_up(conn, task.event_id, actor="alex", reason=" ", force=True)
    assert len(await listed(pool, admin)) == 1


async def test_a_retry_and_a_change_of_the_payment_meanwhile_both_reach_the_log(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, admin: TaskAdmin
) -> None:
    payment_id, _ = await a_dead_refund(payments, stripe_fake, pool)
    (task,) = await listed(pool, admin)

    async def retry() -> None:
        async with pool.connection() as conn:
            await admin.retry(conn, task.event_id, **OPERATOR)

    cents = Money(amount_cents=1, currency="USD")
    refunds = (
        payments.command(payment_id, RequestRefund(refund_id=RefundId(uuid.uuid4()), amount=cents)) for _ in range(1)
    )
    await asyncio.gather(retry(), *refunds)
    types = await payments.event_types(payment_id)
    assert types.count("payment.task_retried") == 1
    assert types.count("payment.refund_requested") == 2


async def paystream(database: Database, *arguments: str, group: str = "tasks") -> tuple[int, str]:
    ended = await paystream_command.paystream(group, *arguments, settings={"database_url": database.url("app")})
    return ended.code, ended.output + ended.errors


@pytest.mark.slow
async def test_the_command_line_lists_retries_and_gives_up(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, admin: TaskAdmin, database: Database
) -> None:
    payment_id, _ = await a_dead_refund(payments, stripe_fake, pool)
    (task,) = await listed(pool, admin)
    code, shown = await paystream(database, "list")
    assert code == 0
    assert all(word in shown for word in (str(task.event_id), str(payment_id), "create_refund", "another request"))
    code, lines = await paystream(database, "list", "--json")
    (row,) = map(json.loads, lines.splitlines())
    assert (code, row["event_id"], row["operation"], row["status"]) == (0, str(task.event_id), "create_refund", "dead")
    assert "found" not in row
    assert await paystream(database, "list", "--status", "unknown", "--json") == (0, "")
    assert await paystream(database, "list", "--status", "unknown") == (0, "No tasks that are unknown.\n")
    code, shown = await paystream(database, "list", "--status", "odd")
    assert (code, "There is no status odd" in shown) == (2, True)
    code, shown = await paystream(database, "retry", str(task.event_id), "--reason", "ticket 7")
    assert (code, shown) == (0, "It will be sent again, with the same idempotency key.\n")
    code, shown = await paystream(database, "give-up", str(task.event_id), "--reason", "ticket 7", "--actor", "alex")
    assert (code, "Stripe may have done it" in shown) == (1, True)
    code, shown = await paystream(
        database, "give-up", str(task.event_id), "--reason", "x", "--actor", "alex", "--force"
    )
    assert (code, shown) == (0, "It is given up. Recorded: TaskGivenUp, RefundFailed.\n")
    async with pool.connection() as conn:
        events = (await load_payment(conn, payment_id)).events
    by = [event.metadata.actor for event in events if event.metadata.actor.startswith("operator:")]
    assert by == [f"operator:{getpass.getuser()}", "operator:alex", "operator:alex"]


async def test_stripes_word_is_accepted_by_an_operator_and_read_again(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, admin: TaskAdmin
) -> None:
    payment_id, refund_id = await a_dead_refund(payments, stripe_fake, pool)
    (task,) = await listed(pool, admin)
    async with pool.connection() as conn:
        with pytest.raises(TaskRefused, match="Stripe contradicts nothing"):
            await admin.accept(conn, payment_id, **OPERATOR)
        with pytest.raises(TaskRefused, match="There is no payment"):
            await admin.accept(conn, PaymentId(uuid.uuid4()), **OPERATOR)
        await admin.give_up(conn, task.event_id, force=True, **OPERATOR)
    metadata = {"paystream_refund_id": str(refund_id)}
    refund = {"id": "re_1", "status": "succeeded", "amount": 500, "currency": "usd", "payment_intent": "pi_1"}
    stripe_fake.refunds.append(refund | {"metadata": metadata})
    async with working(pool, stripe_fake):
        await payments.refresh(payment_id)
        await payments.all_done()
        (contradiction,) = (await payments.state(payment_id)).open_contradictions
        assert (contradiction.object_id, contradiction.status) == ("re_1", "succeeded")
        async with pool.connection() as conn:
            said = await admin.accept(conn, payment_id, **OPERATOR)
        assert said == (
            "Stripe's word is accepted. Recorded: PaymentContradictionResolved, RefundFound, RefundSucceeded."
        )
        await payments.all_done()
    state = await payments.state(payment_id)
    assert (state.amount_refunded, state.open_contradictions) == (FIVE, ())
    async with pool.connection() as conn:
        events = (await load_payment(conn, payment_id)).events
    assert [event.metadata.actor for event in events[-3:]] == ["operator:alex"] * 3


async def test_what_could_not_be_accepted_is_said_beside_what_was(
    payments: Payments, stripe_fake: MemoryStripe, pool: Pool, admin: TaskAdmin
) -> None:
    payment_id, refund_id = await a_dead_refund(payments, stripe_fake, pool)
    (task,) = await listed(pool, admin)
    async with pool.connection() as conn:
        await admin.give_up(conn, task.event_id, force=True, **OPERATOR)
    refund = {"id": "re_1", "status": "succeeded", "amount": 500, "currency": "usd", "payment_intent": "pi_1"}
    stripe_fake.refunds.append(refund | {"metadata": {"paystream_refund_id": str(refund_id)}})
    of_another = {"id": "du_1", "payment_intent": "pi_1", "charge": "ch_other", "amount": 500, "currency": "usd"}
    shown = {"reason": "fraudulent", "status": "needs_response", "evidence_details": {}, "balance_transactions": []}
    stripe_fake.disputes.append(of_another | shown)
    async with working(pool, stripe_fake):
        await payments.refresh(payment_id)
        await payments.all_done()
        async with pool.connection() as conn:
            said = await admin.accept(conn, payment_id, **OPERATOR)
    assert said == (
        "Stripe's word is accepted. Recorded: PaymentContradictionResolved, RefundFound, RefundSucceeded."
        " Not accepted: du_1: Dispute du_1 is of ch_other, not of ch_1: what is recorded cannot be taken back."
    )
    assert [each.object_id for each in (await payments.state(payment_id)).open_contradictions] == ["du_1"]


@pytest.mark.slow
async def test_the_command_that_accepts_stripes_word_needs_a_reason(database: Database) -> None:
    arguments = ("accept", str(uuid.uuid4()))
    code, said = await paystream(database, *arguments, group="payments")
    assert (code, "--reason" in said) == (2, True)
    code, said = await paystream(database, *arguments, "--reason", "seen", group="payments")
    assert (code, "There is no payment" in said) == (1, True)


async def test_a_payment_that_cannot_be_read_is_named_and_left(
    payments: Payments, pool: Pool, admin: TaskAdmin
) -> None:
    payment_id = await payments.request()
    async with pool.connection() as conn:
        (task,) = await admin.list_tasks(conn, statuses=["due"])
        event_id = await append_unknown_event(conn, payment_id)
        named = f"event {event_id} .* cannot be read: unknown event type"
        with pytest.raises(TaskRefused, match=named):
            await admin.accept(conn, payment_id, **OPERATOR)
        with pytest.raises(TaskRefused, match=named):
            await admin.give_up(conn, task.event_id, **OPERATOR)
        with pytest.raises(TaskRefused, match=named):
            await admin.retry(conn, task.event_id, **OPERATOR)

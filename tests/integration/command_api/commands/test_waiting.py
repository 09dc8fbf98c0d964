"""Prefer: wait: answers held for Stripe's outcome, by one poll for all who wait."""

import asyncio
import uuid
from typing import Any

import pytest
from psycopg import AsyncConnection

from command_api.commands.waiter import PollingStreamWaiter
from domain.ids import (
    AttemptId,
    EventId,
    MerchantId,
    PaymentId,
    RefundId,
    StripeChargeId,
    StripeIntentId,
    StripeRefundId,
)
from domain.money import Money
from domain.payment.observations import (
    RecordAttemptFailed,
    RecordAuthorized,
    RecordCanceled,
    RecordIntentCreated,
    RecordProcessing,
    RecordRefundFailed,
    RecordRefundPending,
    RecordRefundSucceeded,
    RecordSucceeded,
)
from domain.payment.values import PaymentStatus
from event_store.appends import Append, Appended
from event_store.store import append
from infra.postgres.pool import Pool
from schemas.envelope import EventMetadata, NewEvent
from tests.integration.command_api.running_api import Running
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

USD_1 = Money(amount_cents=100, currency="USD")
INTENT = RecordIntentCreated(intent_id=StripeIntentId("pi_1"), status=PaymentStatus.REQUIRES_CONFIRMATION)


async def newest_payment(api: Running) -> str:
    async with api.pool.connection() as connection:
        cursor = await connection.execute("SELECT stream_id FROM event_store.events ORDER BY position DESC LIMIT 1")
        row = await cursor.fetchone()
    return str(row[0]) if row else ""


async def test_a_create_waits_past_the_intent_and_processing_until_it_succeeded(api: Running) -> None:
    response = asyncio.create_task(api.post("/payments", CREATE, "k-1", Prefer="wait=20"))
    payment_id = await eventually(lambda: newest_payment(api))
    await api.record(payment_id, INTENT)
    await api.record(payment_id, RecordProcessing(intent_id=StripeIntentId("pi_1")))
    await a_waiting_client_is_answered(api, but=payment_id)
    assert not response.done()
    position = await api.record(
        payment_id,
        RecordSucceeded(intent_id=StripeIntentId("pi_1"), amount_captured=USD_1, charge_id=StripeChargeId("ch_1")),
    )
    answer = await response
    assert answer.status_code == 201
    assert answer.headers["preference-applied"] == "wait=20"
    assert answer.json()["status"] == "succeeded"
    assert answer.json()["stripe_payment_intent_id"] == "pi_1"
    assert answer.json()["position"] == position


async def a_waiting_client_is_answered(api: Running, *, but: str) -> None:
    """Have another payment succeed: one poll is for all, so what was recorded before has been seen then."""
    response = asyncio.create_task(api.post("/payments", CREATE, "k-2", Prefer="wait=20"))
    payment_id = await eventually(lambda: newest_payment(api), lambda found: found not in ("", but))
    await api.record(
        payment_id,
        INTENT,
        RecordSucceeded(intent_id=StripeIntentId("pi_1"), amount_captured=USD_1, charge_id=StripeChargeId("ch_1")),
    )
    assert (await response).json()["status"] == "succeeded"


async def test_a_payment_that_cannot_be_read_holds_up_nobody_else(api: Running) -> None:
    response = asyncio.create_task(api.post("/payments", CREATE, "k-1", Prefer="wait=20"))
    payment_id = await eventually(lambda: newest_payment(api))
    metadata = EventMetadata(correlation_id="c", actor="test", merchant_id=MerchantId("merchant_test"))
    newer = NewEvent(
        event_id=EventId(uuid.uuid4()),
        type="payment.from_the_future",
        schema_version=1,
        data=b"{}",
        metadata=metadata,
    )
    async with api.pool.connection() as connection:
        (merchant_id,) = await (
            await connection.execute("SELECT merchant_id FROM event_store.streams WHERE stream_id = %s", [payment_id])
        ).fetchone() or ("",)
        future = Append(
            stream_id=uuid.UUID(payment_id),
            category="payment",
            merchant_id=MerchantId(merchant_id),
            expected_version=1,
            events=(newer,),
        )
        assert isinstance((await append(connection, [future]))[0], Appended)
    await a_waiting_client_is_answered(api, but=payment_id)
    answer = await asyncio.wait_for(response, 10)
    assert (answer.status_code, answer.json()["status"]) == (201, "pending")


CREATE = {"user_id": "user_1", "amount_cents": 100, "currency": "USD", "payment_method": "pm_card_visa"}


async def test_a_decline_ends_the_wait(api: Running) -> None:
    response = asyncio.create_task(api.post("/payments", CREATE, Prefer="respond-async, wait=20"))
    payment_id = await eventually(lambda: newest_payment(api))
    declined = RecordAttemptFailed(
        intent_id=StripeIntentId("pi_1"),
        attempt_id=AttemptId("ch_1"),
        code="card_declined",
        decline_code=None,
        message="No.",
    )
    await api.record(payment_id, INTENT, declined)
    answer = await response
    assert (answer.status_code, answer.json()["status"]) == (201, "requires_payment_method")


async def test_without_an_outcome_the_answer_is_given_when_the_time_is_up(api: Running) -> None:
    answer = await api.post("/payments", CREATE, Prefer="wait=1")
    assert (answer.status_code, answer.json()["status"]) == (201, "pending")
    assert answer.headers["preference-applied"] == "wait=1"


async def test_a_repeat_gets_the_stored_answer_and_with_prefer_the_present_one(api: Running) -> None:
    original = await api.post("/payments", CREATE, "k-1")
    payment_id = original.json()["id"]
    await api.record(
        payment_id,
        INTENT,
        RecordSucceeded(intent_id=StripeIntentId("pi_1"), amount_captured=USD_1, charge_id=StripeChargeId("ch_1")),
    )
    stored = await api.post("/payments", CREATE, "k-1")
    present = await api.post("/payments", CREATE, "k-1", Prefer="wait=20")
    assert stored.content == original.content
    assert present.json()["status"] == "succeeded"
    assert present.headers["idempotent-replayed"] == "true"
    assert present.json()["created_at"] == original.json()["created_at"]


@pytest.mark.parametrize(
    ("outcome", "status_code", "status"), [(0, 202, "pending"), (1, 200, "succeeded"), (2, 200, "failed")]
)
async def test_a_refund_waits_until_stripe_took_it_on_or_refused_it(
    api: Running, outcome: int, status_code: int, status: str
) -> None:
    payment_id = await api.succeeded()
    response = asyncio.create_task(
        api.post(f"/payments/{payment_id}/refund", {"amount_cents": 30}, "k", Prefer="wait=20")
    )

    async def requested() -> list[uuid.UUID]:
        return list((await api.state(payment_id)).refunds)

    (refund_id,) = await eventually(requested)
    observations = (
        RecordRefundPending(refund_id=RefundId(refund_id), stripe_refund_id=StripeRefundId("re_1")),
        RecordRefundSucceeded(refund_id=RefundId(refund_id), stripe_refund_id=StripeRefundId("re_1")),
        RecordRefundFailed(
            refund_id=RefundId(refund_id), stripe_refund_id=StripeRefundId("re_1"), code="declined", message="No."
        ),
    )
    await api.record(payment_id, observations[outcome])
    answer = await response
    assert (answer.status_code, answer.json()["status"]) == (status_code, status)
    assert answer.json()["stripe_refund_id"] == "re_1"


async def authorized(api: Running) -> str:
    payment_id = str((await api.create(capture_method="manual")).json()["id"])
    held = RecordAuthorized(
        intent_id=StripeIntentId("pi_1"), amount=USD_1, charge_id=StripeChargeId("ch_1"), capture_before=None
    )
    await api.record(payment_id, INTENT, held)
    return payment_id


async def test_capture_is_202_while_it_is_on_its_way_and_200_once_done(api: Running) -> None:
    payment_id = await authorized(api)
    path = f"/payments/{payment_id}/capture"
    accepted = await api.post(path, {"amount_cents": 70}, "k-1")
    assert (accepted.status_code, accepted.json()["status"]) == (202, "requires_capture")
    assert accepted.json()["id"] == payment_id
    captured = Money(amount_cents=70, currency="USD")
    await api.record(
        payment_id,
        RecordSucceeded(intent_id=StripeIntentId("pi_1"), amount_captured=captured, charge_id=StripeChargeId("ch_1")),
    )
    done = await api.post(path, {"amount_cents": 70}, "k-1", Prefer="wait=20")
    assert (done.status_code, done.json()["status"]) == (200, "succeeded")


async def test_cancel_is_202_while_it_is_on_its_way_and_200_once_done(api: Running) -> None:
    payment_id = await authorized(api)
    path = f"/payments/{payment_id}/cancel"
    accepted = await api.post(path, {"reason": "abandoned"}, "k-1")
    assert accepted.status_code == 202
    await api.record(payment_id, RecordCanceled(intent_id=StripeIntentId("pi_1"), reason="abandoned"))
    done = await api.post(path, {"reason": "abandoned"}, "k-1", Prefer="wait=20")
    assert (done.status_code, done.json()["status"]) == (200, "canceled")


async def test_confirm_tries_a_payment_that_was_made_without_confirming(api: Running) -> None:
    payment_id = str((await api.create(confirm=False)).json()["id"])
    await api.record(payment_id, INTENT)
    path = f"/payments/{payment_id}/confirm"
    accepted = await api.post(path, None, "k-1")
    assert accepted.status_code == 202
    twin = await api.post(path, None, "k-2")
    assert (twin.status_code, await api.count("idempotency_keys")) == (202, 3)
    await api.record(
        payment_id,
        RecordSucceeded(intent_id=StripeIntentId("pi_1"), amount_captured=USD_1, charge_id=StripeChargeId("ch_1")),
    )
    for key in ("k-1", "k-2"):  # the twin changed nothing, and is remembered all the same
        done = await api.post(path, None, key, Prefer="wait=20")
        assert (done.status_code, done.json()["status"]) == (200, "succeeded")
        other = await api.post(path, {"payment_method": "pm_card_mastercard"}, key)
        assert other.status_code == 422


async def test_two_hundred_who_wait_share_one_poll(api: Running, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    payment_id = PaymentId(uuid.UUID((await api.create()).json()["id"]))
    statements = 0
    execute: Any = AsyncConnection.execute

    async def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal statements
        statements += 1
        return await execute(*args, **kwargs)

    monkeypatch.setattr(AsyncConnection, "execute", counted)
    async with PollingStreamWaiter(pool, interval_s=0.05) as waiter:
        waits = (waiter.wait(payment_id, after_version=1, until=lambda _: True, timeout_s=0.5) for _ in range(200))
        assert await asyncio.gather(*waits) == [None] * 200
        assert 1 < statements < 15
        polled = statements
        await asyncio.sleep(0.2)  # four of its intervals: nothing comes after a poll that does not happen
        assert statements <= polled + 1


async def test_a_stopping_process_lets_everybody_go(api: Running, pool: Pool) -> None:
    payment_id = PaymentId(uuid.UUID((await api.create()).json()["id"]))
    async with PollingStreamWaiter(pool) as waiter:
        waiting = asyncio.create_task(waiter.wait(payment_id, after_version=0, until=lambda _: False, timeout_s=60))

        async def seen_without_outcome() -> bool:
            return any(each.seen for each in waiter._poller.waiters)

        await eventually(seen_without_outcome)
        waiter.release()
        seen = await asyncio.wait_for(waiting, 1)
        assert seen is not None
        assert seen.version == 1
        assert await waiter.wait(payment_id, after_version=0, until=lambda _: False, timeout_s=60) is None

"""Webhooks that come twice at the same instant, or while a call of ours is under way."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import httpx
import orjson
import psycopg
import pytest

from schemas.events.stripe_events import stream_id_of
from tests.support.signed_webhooks import a_stripe_event, deliver, secret_of
from tests.support.system import Json, System, run_concurrently
from tests.support.waiting import eventually

pytestmark = pytest.mark.race

LONGEST_WAIT_MS = 2000
"""WEBHOOKS_WAIT_FOR_CALLS_MS of the stack."""


async def rows(system: System, query: str, **parameters: object) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as connection:
        return await (await connection.execute(query, parameters)).fetchall()


async def intent_of(system: System, payment_id: str) -> Json:
    filters = {"metadata[paystream_payment_id]": payment_id}
    (intent,) = (await system.sandbox.get("/_sandbox/payment_intents", params=filters)).json()
    return dict(intent)


async def refreshes(system: System, payment_id: str) -> list[tuple[object, ...]]:
    query = "SELECT 1 FROM consumers.gateway_tasks WHERE payment_id = %(payment)s AND operation = 'refresh_payment'"
    return await rows(system, query, payment=payment_id)


async def types_of(system: System, payment_id: str) -> list[object]:
    """Return the types of the payment's events as the log has them."""
    query = "SELECT type FROM event_store.events WHERE stream_id = %(id)s ORDER BY version"
    return [event_type for (event_type,) in await rows(system, query, id=UUID(payment_id))]


async def quiet(system: System, payment_id: str) -> None:
    """Wait until nothing is to be asked of Stripe any more."""
    query = "SELECT 1 FROM consumers.gateway_tasks WHERE payment_id = %(payment)s AND status <> 'done'"
    await eventually(lambda: rows(system, query, payment=payment_id), lambda found: not found, within=20)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Something done at Stripe itself to a payment, the event that tells of it, and what that event brings about."""

    confirmed: bool
    path: str
    form: Callable[[Json], dict[str, str]]
    event_type: str
    effect: tuple[str, ...]
    effect_shows_in: Callable[[Json], bool]

    async def untold(self, system: System, payment_id: str) -> Json:
        """Do it, let every webhook of it be lost, and return Stripe's event."""
        intent = await intent_of(system, payment_id)
        key = system.stack.environment("worker-stripe-gateway")["STRIPE_SECRET_KEY"]
        as_merchant = {"Authorization": f"Bearer {key}"}
        (await system.sandbox.post("/_sandbox/faults", json={"effect": "lose"})).raise_for_status()
        try:
            path = self.path.format(intent=intent["id"])
            answer = await system.sandbox.post(path, data=self.form(intent), headers=as_merchant)
            answer.raise_for_status()
        finally:
            await system.sandbox.delete("/_sandbox/faults")
        newest: dict[str, str | int] = {"type": self.event_type, "limit": 1}
        events = (await system.sandbox.get("/v1/events", params=newest, headers=as_merchant)).json()
        (event,) = events["data"]
        assert intent["id"] in (event["data"]["object"]["id"], event["data"]["object"].get("payment_intent"))
        return dict(event)


PAID_AT_STRIPE = Change(
    confirmed=False,
    path="/v1/payment_intents/{intent}/confirm",
    form=lambda _: {},
    event_type="payment_intent.succeeded",
    effect=("payment.succeeded",),
    effect_shows_in=lambda payment: payment["status"] == "succeeded",
)
REFUNDED_AT_STRIPE = Change(
    confirmed=True,
    path="/v1/refunds",
    form=lambda intent: {"payment_intent": intent["id"], "amount": "300"},
    event_type="charge.refunded",
    effect=("payment.refund_found", "payment.refund_succeeded"),
    effect_shows_in=lambda payment: payment["amount_refunded_cents"] == 300,
)


@pytest.mark.parametrize("attempt", range(3))
@pytest.mark.parametrize("change", [PAID_AT_STRIPE, REFUNDED_AT_STRIPE], ids=["paid", "refunded"])
async def test_the_same_webhook_thirty_times_at_the_same_instant_has_one_effect(
    system: System, change: Change, attempt: int
) -> None:
    """What only the webhook tells of: somebody confirms, or refunds, the payment at Stripe itself."""
    payment_id = (await system.create(confirm=change.confirmed, wait=10)).json()["id"]
    await quiet(system, payment_id)
    before = await types_of(system, payment_id)
    event = await change.untold(system, payment_id)
    raw, secret = orjson.dumps(event), secret_of(system)
    answers = await run_concurrently(30, lambda _: deliver(system.command, raw, secret))
    assert {answer.status_code for answer in answers} == {httpx.codes.OK}, attempt
    assert Counter(answer.json()["duplicate"] for answer in answers) == {False: 1, True: 29}
    stream = stream_id_of(event["id"])
    assert await rows(system, "SELECT version FROM event_store.events WHERE stream_id = %(id)s", id=stream) == [(1,)]
    await eventually(lambda: types_of(system, payment_id), lambda types: len(types) > len(before))
    await quiet(system, payment_id)
    assert (await types_of(system, payment_id))[len(before) :] == list(change.effect)
    payment = await system.becomes(payment_id, change.effect_shows_in)
    assert payment["amount_captured_cents"] == 1000
    assert len(await system.charges(payment_id)) == 1


@pytest.mark.parametrize("answer_after_ms", [500, 3500])
async def test_confirm_racing_the_webhook_charges_and_records_once(system: System, answer_after_ms: int) -> None:
    """Stripe has charged and tells so by a webhook, before its answer to our call is here.

    The answer is waited for, for a while; after that the payment is read at Stripe as soon as the call has ended.
    """
    payment_id = (await system.create(confirm=False, wait=10)).json()["id"]
    before = await intent_of(system, payment_id)
    assert before["status"] == "requires_confirmation"
    (await system.sandbox.post("/_sandbox/latency", json={"after_ms": answer_after_ms})).raise_for_status()
    try:
        confirming = asyncio.create_task(system.post(payment_id, "confirm", wait=10))
        after = await eventually(
            lambda: intent_of(system, payment_id), lambda intent: intent["status"] == "succeeded", every=0.01
        )
        event = a_stripe_event("payment_intent.succeeded", after)
        await run_concurrently(2, lambda _: deliver(system.command, event, secret_of(system)))
        assert not confirming.done(), "the answer to our call came before the webhook"
        if answer_after_ms > LONGEST_WAIT_MS:
            await eventually(lambda: refreshes(system, payment_id), bool)
            assert not confirming.done(), "the answer to our call was waited for"
        assert (await confirming).json()["status"] == "succeeded"
    finally:
        await system.sandbox.post("/_sandbox/latency", json={"after_ms": 0})
    await quiet(system, payment_id)
    assert await types_of(system, payment_id) == [
        "payment.requested",
        "payment.intent_created",
        "payment.confirmation_requested",
        "payment.succeeded",
    ]
    assert len(await system.charges(payment_id)) == 1
    assert (await system.finished_as(payment_id, "succeeded"))["amount_captured_cents"] == 1000

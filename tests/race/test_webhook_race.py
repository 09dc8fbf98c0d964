"""Webhooks that come twice at the same instant, or while a call of ours is under way."""

import asyncio
from collections import Counter
from uuid import UUID

import httpx
import orjson
import psycopg
import pytest

from command_api.webhooks.intake import stream_id_of
from tests.support.system import Json, System, together
from tests.support.waiting import eventually
from tests.support.webhooks import a_stripe_event, deliver, secret_of

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


async def quiet(system: System, payment_id: str) -> None:
    """Wait until nothing is to be asked of Stripe any more."""
    query = "SELECT 1 FROM consumers.gateway_tasks WHERE payment_id = %(payment)s AND status <> 'done'"
    await eventually(lambda: rows(system, query, payment=payment_id), lambda found: not found, within=20)


@pytest.mark.parametrize("attempt", range(5))
async def test_the_same_webhook_thirty_times_at_the_same_instant_is_recorded_once(system: System, attempt: int) -> None:
    event = a_stripe_event("payout.paid", {"id": "po_1", "object": "payout"})
    raw, secret = orjson.dumps(event), secret_of(system)
    answers = await together(30, lambda _: deliver(system.command, raw, secret))
    assert {answer.status_code for answer in answers} == {httpx.codes.OK}, attempt
    assert Counter(answer.json()["duplicate"] for answer in answers) == {False: 1, True: 29}
    stream = stream_id_of(event["id"])
    assert await rows(system, "SELECT version FROM event_store.events WHERE stream_id = %(id)s", id=stream) == [(1,)]


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
        await together(2, lambda _: deliver(system.command, event, secret_of(system)))
        assert not confirming.done(), "the answer to our call came before the webhook"
        if answer_after_ms > LONGEST_WAIT_MS:
            await eventually(lambda: refreshes(system, payment_id), bool)
            assert not confirming.done(), "the answer to our call was waited for"
        assert (await confirming).json()["status"] == "succeeded"
    finally:
        await system.sandbox.post("/_sandbox/latency", json={"after_ms": 0})
    await quiet(system, payment_id)
    types = await rows(
        system, "SELECT type FROM event_store.events WHERE stream_id = %(id)s ORDER BY version", id=UUID(payment_id)
    )
    assert [event_type for (event_type,) in types] == [
        "payment.requested",
        "payment.intent_created",
        "payment.confirmation_requested",
        "payment.succeeded",
    ]
    assert len(await system.charges(payment_id)) == 1
    assert (await system.settled_as(payment_id, "succeeded"))["amount_captured_cents"] == 1000

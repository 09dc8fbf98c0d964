"""Whoever hears nothing asks again: the client of us, and we of Stripe. It is one charge and one refund."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import psycopg
import pytest
import pytest_asyncio

from tests.support.system import Json, System, new_key, running_system
from tests.support.waiting import eventually

pytestmark = [pytest.mark.race, pytest.mark.own_system]

BEFORE, AFTER = "before_ms", "after_ms"  # the effect
SLOW_MS = 1200
_GATEWAY_WAITS_MS = 400


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def impatient(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """A system whose gateway waits for Stripe for less time than the sandbox takes when it is slow."""
    settings = {"STRIPE_TIMEOUT_MS": str(_GATEWAY_WAITS_MS)}
    async with running_system(tmp_path_factory.mktemp("impatient"), settings=settings) as system:
        yield system


async def slow(system: System, when: str, milliseconds: int) -> None:
    answer = await system.sandbox.post("/_sandbox/latency", json={when: milliseconds})
    answer.raise_for_status()


async def tries(system: System, payment_id: str, operation: str) -> list[int]:
    """Return how often each call of the payment with this operation was tried."""
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as connection:
        cursor = await connection.execute(
            "SELECT attempts FROM consumers.gateway_tasks WHERE payment_id = %s AND operation = %s",
            [payment_id, operation],
        )
        return [row[0] for row in await cursor.fetchall()]


async def insist(system: System, path: str, body: Json, key: str, *, times: int) -> set[str]:
    """Send one command again and again, as a client does that gives up waiting after 50 ms; return the answers."""
    answers = set()
    for _ in range(times):
        try:
            answer = await system.command.post(path, json=body, headers={"Idempotency-Key": key}, timeout=0.05)
        except httpx.TimeoutException:
            await asyncio.sleep(0.02)  # a client's pause before it asks again
        else:
            if answer.is_success:
                answers.add(answer.text)
    return answers


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_refund_sent_again_after_time_outs_is_one_refund_with_one_key(impatient: System, when: str) -> None:
    payment_id = (await impatient.create(amount_cents=1000, wait=10)).json()["id"]
    key = new_key()
    await slow(impatient, when, SLOW_MS)
    try:
        answers = await insist(impatient, f"/payments/{payment_id}/refund", {"amount_cents": 300}, key, times=20)
        await eventually(lambda: tries(impatient, payment_id, "create_refund"), lambda found: max(found, default=0) > 1)
    finally:
        await slow(impatient, when, 0)
    last = await impatient.refund(payment_id, 300, key=key)
    assert {*answers, last.text} == {last.text}
    payment = await impatient.finished(payment_id, min_position=last.json()["position"])
    assert payment["amount_refunded_cents"] == 300
    (refund,) = await impatient.refunds(payment_id)
    assert refund["amount"] == 300
    assert refund["metadata"]["paystream_refund_id"] == last.json()["refund_id"]


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_payment_sent_again_after_time_outs_is_one_charge(impatient: System, when: str) -> None:
    key = new_key()
    body = {"user_id": "user_1", "amount_cents": 1000, "currency": "USD", "payment_method": "pm_card_visa"}
    await slow(impatient, when, SLOW_MS)
    try:
        await insist(impatient, "/payments", body, key, times=20)
        payment_id = (await impatient.create(key)).json()["id"]
        await eventually(lambda: tries(impatient, payment_id, "create_intent"), lambda found: max(found, default=0) > 1)
    finally:
        await slow(impatient, when, 0)
    assert (await impatient.finished(payment_id))["status"] == "succeeded"
    assert [charge["amount"] for charge in await impatient.charges(payment_id)] == [1000]

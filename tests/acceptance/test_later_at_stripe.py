"""What banks and customers do after Stripe has answered: it comes by webhook, and changes what the query API shows."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio

from infra.stripe_sandbox.client import SandboxAdmin
from tests.support.system import Json, System
from tests.support.waiting import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.broker]


@pytest_asyncio.fixture
async def bank(system: System) -> AsyncIterator[SandboxAdmin]:
    # verify=False: see System.
    transport = httpx.AsyncHTTPTransport(verify=False)
    async with SandboxAdmin(system.stack.urls.sandbox, transport=transport) as admin:
        yield admin


async def paid(system: System, **fields: Any) -> str:
    created = (await system.create(wait=10, **fields)).json()
    assert created["status"] == "succeeded", created
    return str(created["id"])


async def becomes(system: System, payment_id: str, until: Callable[[Json], bool]) -> Json:
    return await system.becomes(payment_id, until)


def has_failed_refund(payment: Json) -> bool:
    return [each["status"] for each in payment["refunds"]] == ["failed"]


async def types_since(system: System, payment_id: str, event_type: str) -> list[str]:
    """Return the types of the payment's events after the first of this one, as of what the query API shows of it."""
    version = (await system.payment(payment_id))["version"]

    async def timeline() -> list[str]:
        answer = await system.query.get(f"/payments/{payment_id}/events")
        return [event["type"] for event in answer.json()["data"]]

    types = await eventually(timeline, lambda found: len(found) >= version)
    return types[types.index(event_type) + 1 :]


async def test_a_refund_that_comes_back_fails_and_can_be_refunded_again(system: System, bank: SandboxAdmin) -> None:
    payment_id = await paid(system)
    refund = (await system.refund(payment_id, wait=10)).json()
    assert (refund["status"], refund["amount_cents"]) == ("succeeded", 1000)
    assert (await system.refund(payment_id, 1)).is_client_error
    await bank.settle_refund(refund["stripe_refund_id"], "failed")
    payment = await becomes(system, payment_id, has_failed_refund)
    assert payment["refunds"][0]["error"]["code"] == "expired_or_canceled_card"
    assert (payment["status"], payment["amount_refunded_cents"]) == ("succeeded", 0)
    again = await system.refund(payment_id, 1000, wait=10)
    assert (again.status_code, again.json()["status"]) == (httpx.codes.OK, "succeeded")
    payment = await becomes(system, payment_id, lambda found: found["amount_refunded_cents"] == 1000)
    assert [each["status"] for each in payment["refunds"]] == ["failed", "succeeded"]
    assert await types_since(system, payment_id, "payment.succeeded") == [
        "payment.refund_requested",
        "payment.refund_succeeded",
        "payment.refund_failed",
        "payment.refund_requested",
        "payment.refund_succeeded",
    ]


@pytest_asyncio.fixture
async def slow_bank(bank: SandboxAdmin) -> AsyncIterator[SandboxAdmin]:
    """One that does nothing by itself while a test runs."""
    await bank.run_clock_at(0.001)
    yield bank
    await bank.run_clock_at(1)


async def test_a_pending_refund_holds_its_amount_until_it_fails(system: System, slow_bank: SandboxAdmin) -> None:
    payment_id = await paid(system, payment_method="pm_card_pendingRefundFail")
    accepted = await system.refund(payment_id, 600)
    assert (accepted.status_code, accepted.json()["status"]) == (httpx.codes.ACCEPTED, "pending")
    pending = await becomes(
        system, payment_id, lambda found: any(each["stripe_refund_id"] for each in found["refunds"])
    )
    assert (pending["refunds"][0]["status"], pending["amount_refunded_cents"]) == ("pending", 0)
    too_much = await system.refund(payment_id, 401)
    assert too_much.json()["amount_refundable_cents"] == 400
    await slow_bank.settle_refund(pending["refunds"][0]["stripe_refund_id"])
    payment = await becomes(system, payment_id, has_failed_refund)
    assert payment["amount_refunded_cents"] == 0
    assert await types_since(system, payment_id, "payment.refund_requested") == [
        "payment.refund_pending",
        "payment.refund_failed",
    ]
    assert (await system.refund(payment_id, 1000)).status_code == httpx.codes.ACCEPTED


async def test_a_hold_that_ends_is_canceled_and_cannot_be_captured(system: System, bank: SandboxAdmin) -> None:
    payment_id = (await system.create(capture_method="manual", wait=10)).json()["id"]
    held = await system.finished_as(payment_id, "requires_capture")
    assert held["capture_before"] is not None
    (charge,) = await system.charges(payment_id)
    await bank.expire(charge["id"])
    payment = await system.finished_as(payment_id, "canceled")
    assert (payment["amount_capturable_cents"], payment["amount_captured_cents"]) == (0, 0)
    assert payment["capture_before"] is None
    assert await types_since(system, payment_id, "payment.authorized") == ["payment.canceled"]
    late = await system.post(payment_id, "capture")
    assert late.status_code == httpx.codes.CONFLICT, late.text


async def disputed(system: System, bank: SandboxAdmin, payment_id: str) -> Json:
    """Let the payer contest the payment, and return it once it shows that the money is withdrawn."""
    (charge,) = await system.charges(payment_id)
    dispute = await bank.dispute(charge["id"], "product_not_received")
    payment = await becomes(
        system, payment_id, lambda found: bool(found["dispute"]) and found["dispute"]["funds"] == "withdrawn"
    )
    shown = payment["dispute"]
    assert (shown["id"], shown["status"], shown["reason"]) == (dispute["id"], "needs_response", "product_not_received")
    assert (shown["amount_cents"], shown["currency"]) == (1000, "USD")
    details = dispute["evidence_details"]
    assert isinstance(details, dict)
    assert datetime.fromisoformat(shown["evidence_due_by"]).timestamp() == details["due_by"]
    return payment


async def test_a_dispute_that_is_lost_keeps_the_money_withdrawn(system: System, bank: SandboxAdmin) -> None:
    payment_id = await paid(system)
    dispute = (await disputed(system, bank, payment_id))["dispute"]
    await bank.decide(dispute["id"], "lost")
    payment = await becomes(system, payment_id, lambda found: found["dispute"]["status"] == "lost")
    assert payment["dispute"]["funds"] == "withdrawn"
    blocked = await system.refund(payment_id, 100)
    assert (blocked.status_code, blocked.json()["code"]) == (httpx.codes.CONFLICT, "payment_disputed")
    assert await types_since(system, payment_id, "payment.succeeded") == [
        "payment.dispute_opened",
        "payment.dispute_funds_withdrawn",
        "payment.dispute_closed",
    ]


async def test_a_dispute_that_is_won_gives_the_money_back(system: System, bank: SandboxAdmin) -> None:
    payment_id = await paid(system)
    dispute = (await disputed(system, bank, payment_id))["dispute"]
    await bank.decide(dispute["id"], "won")
    payment = await becomes(system, payment_id, lambda found: found["dispute"]["funds"] == "reinstated")
    assert payment["dispute"]["status"] == "won"
    assert sorted(await types_since(system, payment_id, "payment.succeeded")) == [
        "payment.dispute_closed",
        "payment.dispute_funds_reinstated",
        "payment.dispute_funds_withdrawn",
        "payment.dispute_opened",
    ]


async def test_a_failed_authentication_charges_nothing_and_another_card_can_pay(
    system: System, bank: SandboxAdmin
) -> None:
    created = (await system.create(payment_method="pm_card_authenticationRequired", wait=10)).json()
    assert created["status"] == "requires_action"
    (intent,) = await bank.payment_intents(paystream_payment_id=created["id"])
    await bank.authenticate(str(intent["id"]), "fail")
    payment = await system.finished_as(created["id"], "requires_payment_method")
    assert payment["last_error"]["code"] == "payment_intent_authentication_failure"
    assert (payment["next_action"], payment["amount_captured_cents"]) == (None, 0)
    assert not any(charge["paid"] for charge in await system.charges(created["id"]))
    paid_after_all = await system.post(created["id"], "confirm", wait=10, payment_method="pm_card_visa")
    assert paid_after_all.json()["status"] == "succeeded"

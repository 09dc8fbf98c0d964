"""Refunds that do not simply succeed, and what is told of each step."""

import httpx
import pytest

from infra.stripe_sandbox.client import SandboxAdmin
from tests.unit.infra.stripe_sandbox.stripe_http import Clock, StripeHttp


async def test_a_refund_is_told_with_its_charge(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay()
    before = len(await stripe_http.told())

    await stripe_http.refund(intent, amount=400)

    (of_charge, of_refund) = await stripe_http.data("/v1/events", limit=2)
    assert await stripe_http.told(before) == ["refund.created", "charge.refunded"]
    assert of_refund["data"]["object"]["amount"] == 400
    assert of_charge["data"]["object"]["amount_refunded"] == 400
    assert of_charge["data"]["previous_attributes"] == {"amount_refunded": 0}


@pytest.mark.parametrize(
    ("card", "statuses", "told"),
    [
        ("pm_card_pendingRefund", ("pending", "succeeded"), ["refund.updated", "charge.refund.updated"]),
        ("pm_card_refundFail", ("succeeded", "failed"), ["refund.updated", "charge.refund.updated", "refund.failed"]),
        (
            "pm_card_pendingRefundFail",
            ("pending", "failed"),
            ["refund.updated", "charge.refund.updated", "refund.failed"],
        ),
    ],
)
async def test_some_refunds_move_later(
    stripe_http: StripeHttp, clock: Clock, card: str, statuses: tuple[str, str], told: list[str]
) -> None:
    made = await stripe_http.refund(await stripe_http.pay(payment_method=card))
    before = len(await stripe_http.told())
    clock.now += 6

    moved = await stripe_http.show(f"/v1/refunds/{made['id']}")
    (event,) = await stripe_http.data("/v1/events", type="refund.updated")

    assert (made["status"], moved["status"]) == statuses
    assert await stripe_http.told(before) == told
    assert event["data"]["previous_attributes"]["status"] == statuses[0]
    assert event["request"] == {"id": None, "idempotency_key": None}


async def test_a_refund_waiting_for_the_customer_keeps_its_amount_until_canceled(
    stripe_http: StripeHttp, admin: SandboxAdmin
) -> None:
    intent = await stripe_http.pay(payment_method="pm_card_refundRequiresAction")

    first = await stripe_http.refund(intent, amount=600)
    too_much = await stripe_http.post("/v1/refunds", payment_intent=intent["id"], amount=600)
    canceled = await stripe_http.post(f"/v1/refunds/{first['id']}/cancel")
    twice = await stripe_http.post(f"/v1/refunds/{first['id']}/cancel")
    second = await stripe_http.refund(intent, amount=600)
    acted = await admin.settle_refund(second["id"], "succeeded")
    charge = await stripe_http.show(f"/v1/charges/{intent['latest_charge']}")

    assert first["status"] == "requires_action"
    assert first["next_action"]["type"] == "display_details"
    assert first["balance_transaction"] is None
    assert too_much.status_code == 400
    assert (canceled.json()["status"], twice.status_code) == ("canceled", 400)
    assert acted["status"] == "succeeded"
    assert acted["balance_transaction"] is not None
    assert charge["amount_refunded"] == 600


async def test_a_refund_that_succeeded_can_be_made_to_fail_once(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    refund = await stripe_http.refund(await stripe_http.pay())

    failed = await admin.settle_refund(refund["id"], "failed")
    with pytest.raises(httpx.HTTPStatusError) as twice:
        await admin.settle_refund(refund["id"], "failed")

    assert failed["status"] == "failed"
    assert twice.value.response.status_code == 409


async def test_changed_metadata_is_told(stripe_http: StripeHttp) -> None:
    refund = await stripe_http.refund(await stripe_http.pay(), metadata={"a": "1"})
    before = len(await stripe_http.told())

    await stripe_http.post(f"/v1/refunds/{refund['id']}", metadata={"a": "2"})
    await stripe_http.post(f"/v1/refunds/{refund['id']}", metadata={"a": "2"})

    assert await stripe_http.told(before) == ["refund.updated", "charge.refund.updated"]

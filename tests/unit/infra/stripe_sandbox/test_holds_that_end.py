import httpx
import pytest

from infra.stripe_sandbox.client import SandboxAdmin
from tests.unit.infra.stripe_sandbox.stripe_http import Clock, StripeHttp

WEEK = 7 * 24 * 3600


async def test_a_hold_that_nobody_captures_expires(stripe_http: StripeHttp, clock: Clock) -> None:
    intent = await stripe_http.pay(capture_method="manual")
    charge = await stripe_http.show(f"/v1/charges/{intent['latest_charge']}")
    before = len(await stripe_http.told())

    clock.now += WEEK - 1
    held = await stripe_http.show(f"/v1/payment_intents/{intent['id']}")
    clock.now += 1
    expired = await stripe_http.show(f"/v1/payment_intents/{intent['id']}")
    ended = await stripe_http.show(f"/v1/charges/{intent['latest_charge']}")
    refused = await stripe_http.post(f"/v1/payment_intents/{intent['id']}/capture")

    assert charge["payment_method_details"]["card"]["capture_before"] == charge["created"] + WEEK
    assert held["status"] == "requires_capture"
    assert (expired["status"], expired["cancellation_reason"]) == ("canceled", "expired")
    assert (expired["amount_capturable"], expired["canceled_at"]) == (0, int(clock.now))
    assert (ended["captured"], ended["refunded"], ended["amount_refunded"]) == (False, False, 0)
    assert await stripe_http.told(before) == ["charge.expired", "payment_intent.canceled"]
    assert refused.json()["error"]["code"] == "payment_intent_unexpected_state"


async def test_a_captured_or_canceled_hold_does_not_expire(stripe_http: StripeHttp, clock: Clock) -> None:
    captured = await stripe_http.pay(capture_method="manual")
    await stripe_http.post(f"/v1/payment_intents/{captured['id']}/capture")
    canceled = await stripe_http.pay(capture_method="manual")
    await stripe_http.post(f"/v1/payment_intents/{canceled['id']}/cancel")
    clock.now += WEEK

    assert (await stripe_http.show(f"/v1/payment_intents/{captured['id']}"))["status"] == "succeeded"
    assert (await stripe_http.show(f"/v1/payment_intents/{canceled['id']}"))["cancellation_reason"] is None
    assert "charge.expired" not in await stripe_http.told()


async def test_a_hold_can_be_ended_at_once(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    intent = await stripe_http.pay(capture_method="manual")

    await admin.expire(intent["latest_charge"])
    with pytest.raises(httpx.HTTPStatusError):
        await admin.expire(intent["latest_charge"])

    assert (await stripe_http.show(f"/v1/payment_intents/{intent['id']}"))["status"] == "canceled"


async def test_the_clock_can_be_moved_ahead_and_made_faster(
    stripe_http: StripeHttp, admin: SandboxAdmin, clock: Clock
) -> None:
    intent = await stripe_http.pay(capture_method="manual")

    moved = await admin.advance(WEEK / 2)
    still = await stripe_http.show(f"/v1/payment_intents/{intent['id']}")
    await admin.run_clock_at(WEEK / 2)
    clock.now += 1
    expired = await stripe_http.show(f"/v1/payment_intents/{intent['id']}")

    assert float(str(moved["now"])) - float(str(moved["real_now"])) == WEEK / 2
    assert (still["status"], expired["status"]) == ("requires_capture", "canceled")

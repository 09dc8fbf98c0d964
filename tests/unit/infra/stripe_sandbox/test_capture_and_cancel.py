from typing import Any

import pytest

from tests.unit.infra.stripe_sandbox.stripe_http import PAYMENT, StripeHttp

WEEK_S = 7 * 24 * 3600
CANCELABLE = (
    "requires_payment_method, requires_capture, requires_reauthorization, requires_confirmation, requires_action, "
    "expired, processing."
)


async def test_manual_capture_holds_the_amount_for_a_week(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay(capture_method="manual")
    charge = (await stripe_http.get(f"/v1/charges/{intent['latest_charge']}")).json()

    assert intent["status"] == "requires_capture"
    assert (intent["amount_capturable"], intent["amount_received"]) == (1000, 0)
    assert charge["captured"] is False
    assert charge["amount_captured"] == 0
    assert charge["payment_method_details"]["card"]["capture_before"] == intent["created"] + WEEK_S


@pytest.mark.parametrize(("params", "received"), [({}, 1000), ({"amount_to_capture": 700}, 700)])
async def test_capturing_takes_the_amount_and_releases_the_rest(
    stripe_http: StripeHttp, params: dict[str, Any], received: int
) -> None:
    intent = await stripe_http.pay(capture_method="manual")

    captured = (await stripe_http.post(f"/v1/payment_intents/{intent['id']}/capture", **params)).json()
    charge = (await stripe_http.get(f"/v1/charges/{intent['latest_charge']}")).json()

    assert captured["status"] == "succeeded"
    assert (captured["amount_capturable"], captured["amount_received"]) == (0, received)
    assert charge["captured"] is True
    assert (charge["amount"], charge["amount_captured"]) == (1000, received)


@pytest.mark.parametrize(
    ("amount", "code", "param", "message"),
    [
        (1001, "amount_too_large", None, "the requested capture amount is greater than the amount you can capture"),
        (0, "parameter_invalid_integer", "amount", "This value must be greater than or equal to 1."),
        (-1, None, "amount_to_capture", "Invalid non-negative integer"),
    ],
)
async def test_capturing_too_much_or_nothing_is_refused(
    stripe_http: StripeHttp, amount: int, code: str | None, param: str | None, message: str
) -> None:
    intent = await stripe_http.pay(capture_method="manual")

    refused = await stripe_http.post(f"/v1/payment_intents/{intent['id']}/capture", amount_to_capture=amount)

    error = refused.json()["error"]
    assert refused.status_code == 400
    assert error.get("code") == code
    assert error.get("param") == param
    assert message in error["message"]
    assert error["payment_intent"]["status"] == "requires_capture"


async def test_a_partial_capture_cannot_be_repeated(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay(capture_method="manual")
    path = f"/v1/payment_intents/{intent['id']}/capture"
    await stripe_http.post(path, amount_to_capture=700)

    refused = await stripe_http.post(path, amount_to_capture=300)

    assert refused.json()["error"]["code"] == "payment_intent_unexpected_state"
    assert refused.json()["error"]["message"] == (
        "The remaining amount on this PaymentIntent could not be captured because the remainder of the authorized "
        "amount has been released."
    )


async def test_only_a_hold_can_be_captured(stripe_http: StripeHttp) -> None:
    intent = (await stripe_http.post("/v1/payment_intents", amount=1000, currency="usd")).json()

    refused = await stripe_http.post(f"/v1/payment_intents/{intent['id']}/capture")

    assert refused.json()["error"]["message"] == (
        "This PaymentIntent could not be captured because it has a status of requires_payment_method. Only a "
        "PaymentIntent with one of the following statuses may be captured: requires_capture."
    )


@pytest.mark.parametrize(
    "params",
    [
        {"confirm": False},
        {"confirm": False, "payment_method": None},
        {"capture_method": "manual"},
        {"payment_method": "pm_card_threeDSecure2Required"},
    ],
)
async def test_what_has_not_succeeded_can_be_canceled(stripe_http: StripeHttp, params: dict[str, Any]) -> None:
    sent = {name: value for name, value in {**PAYMENT, **params}.items() if value is not None}
    intent = (await stripe_http.post("/v1/payment_intents", **sent)).json()

    canceled = await stripe_http.post(f"/v1/payment_intents/{intent['id']}/cancel", cancellation_reason="abandoned")

    body = canceled.json()
    assert body["status"] == "canceled"
    assert body["cancellation_reason"] == "abandoned"
    assert body["canceled_at"] == 1_800_000_000
    assert (body["amount_capturable"], body["next_action"]) == (0, None)


@pytest.mark.parametrize("status", ["succeeded", "canceled"])
async def test_what_has_ended_cannot_be_canceled(stripe_http: StripeHttp, status: str) -> None:
    intent = await stripe_http.pay(capture_method="automatic" if status == "succeeded" else "manual")
    path = f"/v1/payment_intents/{intent['id']}/cancel"
    if status == "canceled":
        await stripe_http.post(path)

    refused = await stripe_http.post(path)

    error = refused.json()["error"]
    assert error["code"] == "payment_intent_unexpected_state"
    assert error["message"] == (
        f"You cannot cancel this PaymentIntent because it has a status of {status}. Only a PaymentIntent with one of "
        f"the following statuses may be canceled: {CANCELABLE}"
    )


async def test_a_canceled_hold_can_be_neither_captured_nor_refunded(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay(capture_method="manual")
    await stripe_http.post(f"/v1/payment_intents/{intent['id']}/cancel")

    capture = await stripe_http.post(f"/v1/payment_intents/{intent['id']}/capture")
    refund = await stripe_http.post("/v1/refunds", payment_intent=intent["id"])

    assert "because it has a status of canceled" in capture.json()["error"]["message"]
    assert "does not have a successful charge to refund" in refund.json()["error"]["message"]

"""A payment method that is nobody's can be used once: https://docs.stripe.com/api/payment_methods."""

from typing import Any

import pytest

from tests.unit.infra.stripe_sandbox.stripe_http import PAYMENT, StripeHttp

INTENTS = "/v1/payment_intents"
USED = "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment"


async def declined_with(api: StripeHttp) -> dict[str, Any]:
    response = await api.post(INTENTS, **PAYMENT | {"payment_method": "pm_card_chargeDeclined"})
    error: dict[str, Any] = response.json()["error"]
    return error


async def test_one_that_was_charged_is_refused_the_second_time(stripe_http: StripeHttp) -> None:
    method = (await stripe_http.pay())["payment_method"]

    at_once = await stripe_http.post(INTENTS, **PAYMENT | {"payment_method": method})
    set_only = await stripe_http.post(INTENTS, amount=1000, currency="usd", payment_method=method)

    for refused in (at_once, set_only):
        assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request_error")
        assert refused.json()["error"]["message"].startswith(USED)
    assert len(await stripe_http.data("/v1/charges")) == 1


async def test_one_that_was_declined_is_refused_on_its_own_intent_too(stripe_http: StripeHttp) -> None:
    error = await declined_with(stripe_http)
    path = f"{INTENTS}/{error['payment_intent']['id']}"

    again = await stripe_http.post(f"{path}/confirm", payment_method=error["payment_method"]["id"])
    other = await stripe_http.post(f"{path}/confirm", payment_method="pm_card_visa")

    assert again.json()["error"]["message"].startswith(USED)
    assert other.json()["status"] == "succeeded"


async def test_one_that_two_intents_have_is_charged_by_one(stripe_http: StripeHttp) -> None:
    made: dict[str, Any] = {"amount": 1000, "currency": "usd", "allowed_payment_method_types": ["card"]}
    first = (await stripe_http.post(INTENTS, **made, payment_method="pm_card_visa")).json()
    second = (await stripe_http.post(INTENTS, **made, payment_method=first["payment_method"])).json()

    paid = await stripe_http.post(f"{INTENTS}/{first['id']}/confirm")
    refused = await stripe_http.post(f"{INTENTS}/{second['id']}/confirm")

    assert paid.json()["status"] == "succeeded"
    assert refused.json()["error"]["message"].startswith(USED)


async def test_an_intent_that_waits_for_its_customer_goes_on_with_its_own(stripe_http: StripeHttp) -> None:
    parameters = {"payment_method": "pm_card_threeDSecure2Required", "return_url": "https://shop.test"}
    waiting = await stripe_http.pay(**parameters)

    again = await stripe_http.post(f"{INTENTS}/{waiting['id']}/confirm", return_url="https://shop.test")

    assert again.json()["status"] == "requires_action"


@pytest.mark.parametrize(("of", "status"), [("same", 200), ("other", 400), ("none", 400)])
async def test_one_that_became_a_customers_is_theirs_alone(stripe_http: StripeHttp, of: str, status: int) -> None:
    customers = [(await stripe_http.post("/v1/customers")).json()["id"] for _ in range(2)]
    paid = await stripe_http.pay(customer=customers[0], setup_future_usage="off_session")
    named = {"same": {"customer": customers[0]}, "other": {"customer": customers[1]}, "none": {}}[of]

    again = await stripe_http.post(INTENTS, **PAYMENT | {"payment_method": paid["payment_method"]}, **named)

    assert again.status_code == status
    if status == 400:
        assert "belongs to a Customer" in again.json()["error"]["message"]

import httpx
import pytest

from infra.stripe_sandbox.client import SandboxAdmin
from tests.unit.infra.stripe_sandbox.stripe_http import PAYMENT, StripeHttp

NEEDS_AUTHENTICATION = {**PAYMENT, "payment_method": "pm_card_threeDSecure2Required"}
BACK = "https://shop.test/back"


@pytest.mark.parametrize("payment_method", ["pm_card_authenticationRequired", "pm_card_threeDSecure2Required"])
async def test_the_customer_is_sent_to_the_bank_when_there_is_a_way_back(
    stripe_http: StripeHttp, payment_method: str
) -> None:
    intent = await stripe_http.pay(payment_method=payment_method, return_url=BACK)

    assert intent["status"] == "requires_action"
    assert intent["latest_charge"] is None
    assert intent["next_action"]["type"] == "redirect_to_url"
    assert intent["next_action"]["redirect_to_url"]["return_url"] == BACK


async def test_without_a_return_url_the_sdk_takes_over(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay(**NEEDS_AUTHENTICATION)

    assert intent["next_action"]["type"] == "use_stripe_sdk"


@pytest.mark.parametrize(
    ("capture_method", "status", "received"), [("automatic", "succeeded", 1000), ("manual", "requires_capture", 0)]
)
async def test_passing_charges(
    stripe_http: StripeHttp, admin: SandboxAdmin, capture_method: str, status: str, received: int
) -> None:
    waiting = await stripe_http.pay(**NEEDS_AUTHENTICATION, capture_method=capture_method)

    intent = await admin.authenticate(waiting["id"], "succeed")

    assert intent["status"] == status
    assert intent["amount_received"] == received
    assert intent["next_action"] is None
    charge = (await stripe_http.get(f"/v1/charges/{intent['latest_charge']}")).json()
    assert charge["payment_method_details"]["card"]["three_d_secure"]["result"] == "authenticated"


async def test_failing_asks_for_another_payment_method(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    waiting = await stripe_http.pay(**NEEDS_AUTHENTICATION)

    intent = await admin.authenticate(waiting["id"], "fail")

    assert intent["status"] == "requires_payment_method"
    assert intent["latest_charge"] is None
    error = intent["last_payment_error"]
    assert isinstance(error, dict)
    assert error["code"] == "payment_intent_authentication_failure"
    assert await admin.charges() == []


async def test_off_session_it_is_a_decline(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    response = await stripe_http.post("/v1/payment_intents", **NEEDS_AUTHENTICATION, off_session=True)

    error = response.json()["error"]
    assert response.status_code == 402
    assert error["code"] == error["decline_code"] == "authentication_required"
    assert error["message"] == "Your card was declined. This transaction requires authentication."
    assert [charge["id"] for charge in await admin.charges()] == [error["charge"]]


async def test_an_action_can_be_asked_to_be_an_error(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    response = await stripe_http.post("/v1/payment_intents", **NEEDS_AUTHENTICATION, error_on_requires_action=True)

    assert response.status_code == 402
    error = response.json()["error"]
    assert (error["code"], error["decline_code"]) == ("authentication_required", "authentication_not_handled")
    assert error["message"].startswith("This payment required an authentication action to complete, but")
    (kept,) = await admin.payment_intents()
    assert kept == error["payment_intent"]
    assert kept["status"] == "requires_payment_method"
    assert kept["last_payment_error"]["code"] == "authentication_required"  # type: ignore[index]
    assert await admin.charges() == []


async def test_a_person_presses_the_button_and_comes_back(stripe_http: StripeHttp) -> None:
    waiting = await stripe_http.pay(**NEEDS_AUTHENTICATION, return_url=BACK)
    url = waiting["next_action"]["redirect_to_url"]["url"]

    page = await stripe_http.http.get(url)
    pressed = await stripe_http.http.post(url, data={"outcome": "succeed"})

    assert page.status_code == 200
    assert waiting["id"] in page.text
    assert "Paystream sandbox" in page.text
    assert "$10.00 USD" in page.text
    assert page.text.count("<button") == 2
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert pressed.status_code == 303
    back = httpx.URL(pressed.headers["location"])
    assert str(back).startswith(BACK)
    assert back.params["payment_intent"] == waiting["id"]
    assert back.params["redirect_status"] == "succeeded"


async def test_nothing_to_authenticate_is_a_conflict(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    paid = await stripe_http.pay()

    with pytest.raises(httpx.HTTPStatusError) as refused:
        await admin.authenticate(paid["id"])
    with pytest.raises(httpx.HTTPStatusError) as unknown:
        await admin.authenticate("pi_none")
    with pytest.raises(httpx.HTTPStatusError) as nonsense:
        await admin.authenticate(paid["id"], "maybe")

    assert refused.value.response.status_code == 409
    assert unknown.value.response.status_code == 404
    assert nonsense.value.response.status_code == 400


async def test_without_a_way_back_a_person_reads_how_it_ended_and_no_secret(stripe_http: StripeHttp) -> None:
    waiting = await stripe_http.pay(**NEEDS_AUTHENTICATION)
    url = waiting["next_action"]["use_stripe_sdk"]["stripe_js"]

    pressed = await stripe_http.http.post(url, data={"outcome": "succeed"})
    again = await stripe_http.http.post(url, data={"outcome": "fail"})
    later = await stripe_http.http.get(url)

    for page in (pressed, again, later):
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert "has succeeded" in page.text
        assert "<button" not in page.text, "nothing is left to press"
        assert "secret" not in page.text
    assert (await stripe_http.get(f"/v1/payment_intents/{waiting['id']}")).json()["status"] == "succeeded"


@pytest.mark.parametrize(
    ("payment", "told"),
    [
        ({"payment_method": "pm_card_visa"}, "has succeeded"),
        ({"payment_method": "pm_card_visa", "capture_method": "manual"}, "is authorized"),
    ],
)
async def test_a_settled_payment_has_nothing_to_press(
    stripe_http: StripeHttp, payment: dict[str, str], told: str
) -> None:
    paid = await stripe_http.pay(**payment)

    page = await stripe_http.http.get(f"/_sandbox/payment_intents/{paid['id']}/authenticate")

    assert told in page.text
    assert "<button" not in page.text


async def test_a_payment_that_is_not_there_has_a_page_that_says_so(stripe_http: StripeHttp) -> None:
    url = "/_sandbox/payment_intents/pi_%3Cb%3E/authenticate"
    shown, pressed = await stripe_http.http.get(url), await stripe_http.http.post(url, data={"outcome": "fail"})

    for page in (shown, pressed):
        assert page.status_code == 404
        assert "no such payment" in page.text
        assert "<b>" not in page.text


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
async def test_a_program_gets_the_intent_without_its_secret(stripe_http: StripeHttp, content_type: str) -> None:
    waiting = await stripe_http.pay(**NEEDS_AUTHENTICATION)
    url = waiting["next_action"]["use_stripe_sdk"]["stripe_js"]

    answer = await stripe_http.http.post(url, content=b'{"outcome":"succeed"}', headers={"Content-Type": content_type})

    assert answer.json()["status"] == "succeeded"
    assert "client_secret" not in answer.json()

import pytest

from infra.stripe_sandbox.client import SandboxAdmin
from tests.unit.infra.stripe_sandbox.stripe_http import PAYMENT, StripeHttp

DECLINES = [
    ("pm_card_chargeDeclined", "card_declined", "generic_decline", "Your card was declined."),
    ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline", "Your card was declined."),
    (
        "pm_card_chargeDeclinedInsufficientFunds",
        "card_declined",
        "insufficient_funds",
        "Your card has insufficient funds.",
    ),
    (
        "pm_card_visa_chargeDeclinedInsufficientFunds",
        "card_declined",
        "insufficient_funds",
        "Your card has insufficient funds.",
    ),
    ("pm_card_chargeDeclinedLostCard", "card_declined", "lost_card", "Your card was declined."),
    ("pm_card_chargeDeclinedStolenCard", "card_declined", "stolen_card", "Your card was declined."),
    ("pm_card_chargeDeclinedFraudulent", "card_declined", "fraudulent", "Your card was declined."),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card", None, "Your card has expired."),
    ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None, "Your card's security code is incorrect."),
    (
        "pm_card_chargeDeclinedProcessingError",
        "processing_error",
        None,
        "An error occurred while processing your card. Try again in a little bit.",
    ),
]


@pytest.mark.parametrize(("payment_method", "code", "decline_code", "message"), DECLINES)
async def test_a_declined_card_answers_402_with_the_reason(
    stripe_http: StripeHttp, payment_method: str, code: str, decline_code: str | None, message: str
) -> None:
    response = await stripe_http.post("/v1/payment_intents", **{**PAYMENT, "payment_method": payment_method})

    error = response.json()["error"]
    assert response.status_code == 402
    assert error["type"] == "card_error"
    assert error["code"] == code
    assert error.get("decline_code") == decline_code
    assert error["message"] == message
    assert error["doc_url"] == f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
    assert error["payment_method"]["object"] == "payment_method"
    assert response.headers["stripe-should-retry"] == "false"

    intent = error["payment_intent"]
    assert intent["status"] == "requires_payment_method"
    assert intent["payment_method"] is None
    assert intent["latest_charge"] == error["charge"]
    assert intent["last_payment_error"]["code"] == code
    assert intent["last_payment_error"]["charge"] == error["charge"]


async def test_the_declined_intent_and_its_failed_charge_stay(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    declined = await stripe_http.post(
        "/v1/payment_intents",
        **{**PAYMENT, "payment_method": "pm_card_chargeDeclined", "metadata": {"order": "7"}},
    )
    error = declined.json()["error"]

    intent = (await stripe_http.get(f"/v1/payment_intents/{error['payment_intent']['id']}")).json()
    charge = (await stripe_http.get(f"/v1/charges/{error['charge']}")).json()

    assert intent == error["payment_intent"]
    assert charge["status"] == "failed"
    assert charge["paid"] is False
    assert charge["failure_code"] == "card_declined"
    assert charge["failure_message"] == "Your card was declined."
    assert charge["outcome"]["reason"] == "generic_decline"
    assert [c["status"] for c in await admin.charges(order="7")] == ["failed"]


async def test_a_declined_intent_can_be_confirmed_with_another_card(
    stripe_http: StripeHttp, admin: SandboxAdmin
) -> None:
    declined = await stripe_http.post("/v1/payment_intents", **{**PAYMENT, "payment_method": "pm_card_chargeDeclined"})
    intent_id = declined.json()["error"]["payment_intent"]["id"]

    paid = await stripe_http.post(f"/v1/payment_intents/{intent_id}/confirm", payment_method="pm_card_visa")

    assert paid.json()["status"] == "succeeded"
    assert [charge["status"] for charge in await admin.charges()] == ["failed", "succeeded"]

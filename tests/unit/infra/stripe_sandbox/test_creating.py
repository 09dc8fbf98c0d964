import re
from typing import Any

import pytest

from infra.stripe_sandbox.client import SandboxAdmin
from tests.unit.infra.stripe_sandbox.stripe_http import PAYMENT, StripeHttp

# https://docs.stripe.com/api/payment_intents/object
INTENT_MEMBERS = {
    "id", "object", "amount", "amount_capturable", "amount_details", "amount_received", "application",
    "application_fee_amount", "automatic_payment_methods", "canceled_at", "cancellation_reason", "capture_method",
    "client_secret", "confirmation_method", "created", "currency", "customer", "description", "last_payment_error",
    "latest_charge", "livemode", "metadata", "next_action", "on_behalf_of", "payment_method",
    "payment_method_configuration_details", "payment_method_options", "payment_method_types", "processing",
    "receipt_email", "review", "setup_future_usage", "shipping", "statement_descriptor",
    "statement_descriptor_suffix", "status", "transfer_data", "transfer_group",
}  # fmt: skip


async def test_an_intent_shows_the_fields_of_the_api_reference(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay(metadata={"order": "7"}, description="shoes", statement_descriptor_suffix="SHOES")

    assert intent.keys() >= INTENT_MEMBERS
    assert re.fullmatch(r"pi_3\w{23}", intent["id"])
    assert intent["client_secret"].startswith(f"{intent['id']}_secret_")
    assert intent["status"] == "succeeded"
    assert (intent["amount"], intent["amount_received"], intent["amount_capturable"]) == (1000, 1000, 0)
    assert intent["livemode"] is False
    assert intent["metadata"] == {"order": "7"}
    assert intent["created"] == 1_800_000_000
    assert re.fullmatch(r"pm_\w+", intent["payment_method"])
    assert intent["payment_method"] != "pm_card_visa"


async def test_a_payment_makes_one_captured_charge(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay(metadata={"order": "7"})

    charge = (await stripe_http.get(f"/v1/charges/{intent['latest_charge']}")).json()

    assert charge["status"] == "succeeded"
    assert charge["paid"] is True
    assert charge["captured"] is True
    assert (charge["amount"], charge["amount_captured"], charge["amount_refunded"]) == (1000, 1000, 0)
    assert charge["payment_intent"] == intent["id"]
    assert charge["metadata"] == {"order": "7"}
    assert charge["outcome"]["type"] == "authorized"
    assert charge["payment_method_details"]["card"]["last4"] == "4242"
    assert "capture_before" not in charge["payment_method_details"]["card"]


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, "requires_payment_method"),
        ({"payment_method": "pm_card_visa"}, "requires_confirmation"),
    ],
)
async def test_without_confirm_nothing_is_charged(stripe_http: StripeHttp, params: dict[str, Any], status: str) -> None:
    response = await stripe_http.post("/v1/payment_intents", amount=1000, currency="usd", **params)

    intent = response.json()
    assert intent["status"] == status
    assert intent["latest_charge"] is None
    assert intent["amount_received"] == 0


async def test_confirming_later_charges(stripe_http: StripeHttp) -> None:
    created = await stripe_http.post(
        "/v1/payment_intents", amount=1000, currency="usd", allowed_payment_method_types=["card"]
    )

    confirmed = await stripe_http.post(
        f"/v1/payment_intents/{created.json()['id']}/confirm", payment_method="pm_card_mastercard"
    )

    assert confirmed.json()["status"] == "succeeded"


async def test_confirming_without_a_payment_method_is_refused(stripe_http: StripeHttp) -> None:
    created = await stripe_http.post(
        "/v1/payment_intents", amount=1000, currency="usd", allowed_payment_method_types=["card"]
    )

    refused = await stripe_http.post(f"/v1/payment_intents/{created.json()['id']}/confirm")

    error = refused.json()["error"]
    assert refused.status_code == 400
    assert error["code"] == "payment_intent_unexpected_state"
    assert error["message"].startswith("You cannot confirm this PaymentIntent because it's missing a payment method.")
    assert error["payment_intent"]["id"] == created.json()["id"]


async def test_confirming_twice_is_refused(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay()

    refused = await stripe_http.post(f"/v1/payment_intents/{intent['id']}/confirm")

    assert refused.json()["error"]["message"] == (
        "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed."
    )


async def test_automatic_methods_want_a_return_url_unless_redirects_are_off(stripe_http: StripeHttp) -> None:
    payment = {name: value for name, value in PAYMENT.items() if name != "allowed_payment_method_types"}

    by_default = await stripe_http.post("/v1/payment_intents", **payment)
    with_return_url = await stripe_http.post("/v1/payment_intents", **payment, return_url="https://shop.test/back")
    without_redirects = await stripe_http.post(
        "/v1/payment_intents", **payment, automatic_payment_methods={"enabled": True, "allow_redirects": "never"}
    )

    assert by_default.status_code == 400
    assert "you must provide a `return_url`" in by_default.json()["error"]["message"]
    assert with_return_url.json()["status"] == "succeeded"
    assert without_redirects.json()["status"] == "succeeded"
    assert without_redirects.json()["automatic_payment_methods"] == {"allow_redirects": "never", "enabled": True}


async def test_cards_by_name_can_be_made_to_want_a_return_url(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    await admin.behave(cards_want_return_url=True)
    by_name = await stripe_http.post("/v1/payment_intents", **PAYMENT)
    with_return_url = await stripe_http.post("/v1/payment_intents", **PAYMENT, return_url="https://shop.test/back")

    assert "you must provide a `return_url`" in by_name.json()["error"]["message"]
    assert with_return_url.json()["status"] == "succeeded"


async def test_only_allowed_types_of_payment_method_can_be_used(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay(allowed_payment_method_types=["card", "ideal"])
    refused = await stripe_http.post("/v1/payment_intents", **{**PAYMENT, "allowed_payment_method_types": ["link"]})

    assert intent["allowed_payment_method_types"] == ["card", "ideal"]
    assert intent["payment_method_types"] == ["card"]
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "payment_intent_incompatible_payment_method"


async def test_an_unknown_payment_method_is_missing(stripe_http: StripeHttp) -> None:
    response = await stripe_http.post("/v1/payment_intents", **{**PAYMENT, "payment_method": "pm_card_gold"})

    error = response.json()["error"]
    assert response.status_code == 400
    assert error["code"] == "resource_missing"
    assert error["param"] == "payment_method"
    assert error["message"] == "No such PaymentMethod: 'pm_card_gold'"


async def test_an_unknown_intent_is_missing(stripe_http: StripeHttp) -> None:
    response = await stripe_http.get("/v1/payment_intents/pi_none")

    assert response.status_code == 404
    assert response.json()["error"]["message"] == "No such payment_intent: 'pi_none'"
    assert response.json()["error"]["param"] == "intent"


async def test_updates_merge_metadata_and_empty_values_remove(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay(metadata={"keep": "1", "drop": "2"})
    path = f"/v1/payment_intents/{intent['id']}"

    merged = await stripe_http.post(path, metadata={"drop": "", "new": "3"})
    found = await stripe_http.get("/v1/payment_intents/search", query="metadata['new']:'3'")
    gone = await stripe_http.get("/v1/payment_intents/search", query="metadata['drop']:'2'")
    cleared = await stripe_http.post(path, metadata="")

    assert merged.json()["metadata"] == {"keep": "1", "new": "3"}
    assert [found_one["id"] for found_one in found.json()["data"]] == [intent["id"]]
    assert gone.json()["data"] == []
    assert cleared.json()["metadata"] == {}


async def test_the_amount_changes_only_before_the_charge(stripe_http: StripeHttp) -> None:
    created = (await stripe_http.post("/v1/payment_intents", amount=1000, currency="usd")).json()
    paid = await stripe_http.pay()

    changed = await stripe_http.post(f"/v1/payment_intents/{created['id']}", amount=2000)
    refused = await stripe_http.post(f"/v1/payment_intents/{paid['id']}", amount=2000)

    assert changed.json()["amount"] == 2000
    assert refused.json()["error"]["code"] == "payment_intent_unexpected_state"
    assert refused.json()["error"]["message"].startswith("This PaymentIntent's amount could not be updated because")

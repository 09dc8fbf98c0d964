from typing import Any

import httpx
import pytest

from infra.stripe_sandbox.client import SandboxAdmin
from tests.unit.infra.stripe_sandbox.stripe_http import PAYMENT, Clock, StripeHttp


async def refund(api: StripeHttp, **params: Any) -> httpx.Response:
    return await api.post("/v1/refunds", **params)


async def test_a_refund_without_an_amount_gives_all_back(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay()

    response = await refund(
        stripe_http, payment_intent=intent["id"], reason="requested_by_customer", metadata={"refund": "r1"}
    )
    charge = (await stripe_http.get(f"/v1/charges/{intent['latest_charge']}")).json()

    body = response.json()
    assert body["object"] == "refund"
    assert body["id"].startswith("re_")
    assert body["status"] == "succeeded"
    assert body["amount"] == 1000
    assert body["charge"] == intent["latest_charge"]
    assert body["payment_intent"] == intent["id"]
    assert body["reason"] == "requested_by_customer"
    assert body["metadata"] == {"refund": "r1"}
    assert (charge["amount_refunded"], charge["refunded"]) == (1000, True)
    assert (await stripe_http.get(f"/v1/refunds/{body['id']}")).json() == body


async def test_more_than_is_left_is_refused(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay()
    await refund(stripe_http, payment_intent=intent["id"], amount=400)

    refused = await refund(stripe_http, payment_intent=intent["id"], amount=700)

    error = refused.json()["error"]
    assert refused.status_code == 400
    assert error["param"] == "amount"
    assert "code" not in error
    assert error["message"] == "Refund amount ($7.00) is greater than unrefunded amount on charge ($6.00)"


async def test_the_rest_can_be_refunded_and_then_nothing(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay()
    await refund(stripe_http, charge=intent["latest_charge"], amount=400)

    rest = await refund(stripe_http, charge=intent["latest_charge"])
    refused = await refund(stripe_http, charge=intent["latest_charge"])

    assert rest.json()["amount"] == 600
    assert refused.json()["error"]["code"] == "charge_already_refunded"
    assert refused.json()["error"]["message"] == f"Charge {intent['latest_charge']} has already been refunded."


async def test_of_a_partial_capture_only_what_was_captured_is_refunded(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay(capture_method="manual")
    await stripe_http.post(f"/v1/payment_intents/{intent['id']}/capture", amount_to_capture=700)

    refused = await refund(stripe_http, payment_intent=intent["id"], amount=800)
    whole = await refund(stripe_http, payment_intent=intent["id"])

    assert "greater than unrefunded amount on charge ($7.00)" in refused.json()["error"]["message"]
    assert whole.json()["amount"] == 700


async def test_a_hold_is_canceled_rather_than_refunded(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay(capture_method="manual")

    refused = await refund(stripe_http, payment_intent=intent["id"])

    assert refused.json()["error"]["message"].startswith(
        f"This uncaptured Charge was created by a PaymentIntent ({intent['id']}). You must cancel the PaymentIntent"
    )


async def test_a_payment_that_was_never_made_has_nothing_to_refund(stripe_http: StripeHttp) -> None:
    declined = await stripe_http.post("/v1/payment_intents", **{**PAYMENT, "payment_method": "pm_card_chargeDeclined"})
    created = await stripe_http.post("/v1/payment_intents", amount=1000, currency="usd")

    for intent_id in (declined.json()["error"]["payment_intent"]["id"], created.json()["id"]):
        refused = await refund(stripe_http, payment_intent=intent_id)
        assert refused.status_code == 400
        assert refused.json()["error"]["message"] == (
            f"This PaymentIntent ({intent_id}) does not have a successful charge to refund."
        )


@pytest.mark.parametrize(
    ("params", "status", "message"),
    [
        (
            {},
            400,
            "One of the following params should be provided for this request: payment_intent or charge.",
        ),
        ({"charge": "ch_none"}, 404, "No such charge: 'ch_none'"),
        ({"payment_intent": "pi_none"}, 404, "No such payment_intent: 'pi_none'"),
        (
            {"charge": "ch_none", "reason": "bored"},
            400,
            "Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer",
        ),
    ],
)
async def test_a_refund_of_nothing_known_is_refused(
    stripe_http: StripeHttp, params: dict[str, Any], status: int, message: str
) -> None:
    refused = await refund(stripe_http, **params)

    assert refused.status_code == status
    assert refused.json()["error"]["message"] == message


async def test_amounts_below_one_are_refused(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay()

    refused = await refund(stripe_http, payment_intent=intent["id"], amount=0)

    assert refused.json()["error"]["message"] == "This value must be greater than or equal to 1."


async def test_a_pending_refund_arrives_later_and_holds_its_amount_meanwhile(
    stripe_http: StripeHttp, clock: Clock
) -> None:
    intent = await stripe_http.pay(payment_method="pm_card_pendingRefund")

    pending = (await refund(stripe_http, payment_intent=intent["id"], amount=600)).json()
    too_much = await refund(stripe_http, payment_intent=intent["id"], amount=600)
    clock.now += 4.9
    still = (await stripe_http.get(f"/v1/refunds/{pending['id']}")).json()
    clock.now += 0.2
    arrived = (await stripe_http.get(f"/v1/refunds/{pending['id']}")).json()

    assert pending["status"] == still["status"] == "pending"
    assert pending["pending_reason"] == "processing"
    assert too_much.status_code == 400
    assert arrived["status"] == "succeeded"


async def test_a_refund_that_fails_later_frees_its_amount(stripe_http: StripeHttp, clock: Clock) -> None:
    intent = await stripe_http.pay(payment_method="pm_card_refundFail")

    made = (await refund(stripe_http, payment_intent=intent["id"])).json()
    clock.now += 6
    failed = (await stripe_http.get(f"/v1/refunds/{made['id']}")).json()
    charge = (await stripe_http.get(f"/v1/charges/{intent['latest_charge']}")).json()

    assert made["status"] == "succeeded"
    assert failed["status"] == "failed"
    assert failed["failure_reason"] == "expired_or_canceled_card"
    assert (charge["amount_refunded"], charge["refunded"]) == (0, False)


async def test_a_refund_can_be_moved_at_once(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    intent = await stripe_http.pay(payment_method="pm_card_pendingRefund")
    pending = (await refund(stripe_http, payment_intent=intent["id"])).json()

    settled = await admin.settle_refund(pending["id"])
    again = await admin.settle_refund(pending["id"])

    assert settled["status"] == again["status"] == "succeeded"


async def test_metadata_is_all_that_can_be_changed(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay()
    made = (await refund(stripe_http, payment_intent=intent["id"], metadata={"a": "1"})).json()

    changed = await stripe_http.post(f"/v1/refunds/{made['id']}", metadata={"b": "2"})
    refused = await stripe_http.post(f"/v1/refunds/{made['id']}", amount=1)

    assert changed.json()["metadata"] == {"a": "1", "b": "2"}
    assert refused.json()["error"]["code"] == "parameter_unknown"

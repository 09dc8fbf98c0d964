"""When a payment is in the balance: https://docs.stripe.com/payments/payment-intents/asynchronous-capture."""

import pytest

from infra.stripe_sandbox.client import SandboxAdmin
from tests.unit.infra.stripe_sandbox.stripe_http import Clock, StripeHttp

ROWS = "/v1/balance_transactions"


async def test_the_answer_names_no_row_and_what_is_read_later_does(stripe_http: StripeHttp) -> None:
    answered = await stripe_http.pay(expand=["latest_charge"])

    charge = await stripe_http.show(f"/v1/charges/{answered['latest_charge']['id']}")

    assert answered["latest_charge"]["balance_transaction"] is None
    assert [row["id"] for row in await stripe_http.data(ROWS)] == [charge["balance_transaction"]]


async def test_captured_in_the_answer_it_is_booked_in_the_answer(stripe_http: StripeHttp) -> None:
    answered = await stripe_http.pay(capture_method="automatic", expand=["latest_charge"])
    held = await stripe_http.pay(capture_method="manual")
    captured = await stripe_http.post(f"/v1/payment_intents/{held['id']}/capture", expand=["latest_charge"])

    rows = [row["id"] for row in await stripe_http.data(ROWS)]

    charges = (captured.json()["latest_charge"], answered["latest_charge"])
    assert [charge["balance_transaction"] for charge in charges] == rows
    assert "charge.updated" not in await stripe_http.told()


async def test_it_can_come_late(stripe_http: StripeHttp, admin: SandboxAdmin, clock: Clock) -> None:
    await admin.behave(booking_lag_s=30)
    intent = await stripe_http.pay()
    refund = await stripe_http.refund(intent, amount=400)
    early = [row["amount"] for row in await stripe_http.data(ROWS)]
    clock.now += 31
    late = [row["amount"] for row in await stripe_http.data(ROWS)]

    assert refund["status"] == "succeeded"
    assert (early, late) == ([-400], [1000, -400])
    assert (await stripe_http.told())[-1] == "charge.updated"


async def test_what_is_disputed_is_booked_before(stripe_http: StripeHttp) -> None:
    answered = await stripe_http.pay(payment_method="pm_card_createDispute", expand=["latest_charge"])

    assert answered["latest_charge"]["disputed"] is True
    assert [row["type"] for row in await stripe_http.data(ROWS)] == ["adjustment", "charge"]
    assert await stripe_http.told() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.updated",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
    ]


@pytest.mark.parametrize("options", [{"card": {"capture_method": "manual"}}])
async def test_cards_alone_can_be_held(stripe_http: StripeHttp, options: dict[str, object]) -> None:
    held = await stripe_http.pay(payment_method_options=options)

    assert (held["status"], held["capture_method"]) == ("requires_capture", "automatic_async")

from typing import Any

import pytest

from infra.stripe_sandbox.client import SandboxAdmin
from tests.unit.infra.stripe_sandbox.stripe_http import PAYMENT, Clock, StripeHttp


async def make(api: StripeHttp, count: int) -> list[str]:
    """Return the ids of new intents, newest first, as lists show them."""
    ids = [(await api.pay())["id"] for _ in range(count)]
    return ids[::-1]


async def ids(api: StripeHttp, path: str = "/v1/payment_intents", **params: Any) -> list[str]:
    response = await api.get(path, **params)
    assert response.status_code == 200, response.text
    return [entry["id"] for entry in response.json()["data"]]


async def test_a_list_is_newest_first_and_says_whether_there_is_more(stripe_http: StripeHttp) -> None:
    made = await make(stripe_http, 12)

    first = (await stripe_http.get("/v1/payment_intents")).json()
    rest = (await stripe_http.get("/v1/payment_intents", starting_after=made[9])).json()

    assert first["object"] == "list"
    assert first["url"] == "/v1/payment_intents"
    assert first["has_more"] is True
    assert [entry["id"] for entry in first["data"]] == made[:10]
    assert rest["has_more"] is False
    assert [entry["id"] for entry in rest["data"]] == made[10:]


async def test_a_list_can_be_read_backwards(stripe_http: StripeHttp) -> None:
    made = await make(stripe_http, 5)

    before = (await stripe_http.get("/v1/payment_intents", ending_before=made[4], limit=2)).json()

    assert [entry["id"] for entry in before["data"]] == made[2:4]
    assert before["has_more"] is True


async def test_lists_keep_to_what_was_created_in_a_span(stripe_http: StripeHttp, clock: Clock) -> None:
    made = []
    for _ in range(4):
        made.append((await stripe_http.pay())["id"])
        clock.now += 10
    start = 1_800_000_000

    assert await ids(stripe_http, created={"gte": start + 10, "lt": start + 30}) == [made[2], made[1]]
    assert await ids(stripe_http, created={"gt": start + 10, "lte": start + 30}) == [made[3], made[2]]


async def test_charges_and_refunds_of_one_payment(stripe_http: StripeHttp) -> None:
    await make(stripe_http, 2)
    declined = await stripe_http.post("/v1/payment_intents", **{**PAYMENT, "payment_method": "pm_card_chargeDeclined"})
    intent_id = declined.json()["error"]["payment_intent"]["id"]
    paid = await stripe_http.post(f"/v1/payment_intents/{intent_id}/confirm", payment_method="pm_card_visa")
    refunds = [
        (await stripe_http.post("/v1/refunds", payment_intent=intent_id, amount=100)).json()["id"] for _ in range(3)
    ]

    assert await ids(stripe_http, "/v1/charges", payment_intent=intent_id) == [
        paid.json()["latest_charge"],
        declined.json()["error"]["charge"],
    ]
    assert await ids(stripe_http, "/v1/refunds", payment_intent=intent_id) == refunds[::-1]
    assert await ids(stripe_http, "/v1/refunds", charge=paid.json()["latest_charge"], limit=2) == refunds[:0:-1]
    assert await ids(stripe_http, "/v1/refunds", payment_intent=intent_id, ending_before=refunds[0]) == refunds[:0:-1]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"limit": 0}, "This value must be greater than or equal to 1."),
        ({"limit": 101}, "This value must be less than or equal to 100."),
        ({"starting_after": "pi_none"}, "No such payment_intent: 'pi_none'"),
        ({"starting_after": "pi_a", "ending_before": "pi_b"}, "You may only specify one of these parameters"),
        ({"offset": 3}, "Received unknown parameter: offset"),
    ],
)
async def test_bad_pages_are_refused(stripe_http: StripeHttp, params: dict[str, Any], message: str) -> None:
    response = await stripe_http.get("/v1/payment_intents", **params)

    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith(message)


async def test_ids_are_expanded_where_asked(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay(expand=["latest_charge", "payment_method"])
    await stripe_http.post("/v1/refunds", payment_intent=intent["id"], amount=100)

    deep = (await stripe_http.get(f"/v1/payment_intents/{intent['id']}", expand=["latest_charge.refunds"])).json()
    listed = (await stripe_http.get("/v1/payment_intents", expand=["data.latest_charge"])).json()
    refund = (await stripe_http.get("/v1/refunds", expand=["data.charge", "data.payment_intent"])).json()["data"][0]

    assert intent["latest_charge"]["object"] == "charge"
    assert intent["payment_method"]["card"]["last4"] == "4242"
    assert [entry["amount"] for entry in deep["latest_charge"]["refunds"]["data"]] == [100]
    assert listed["data"][0]["latest_charge"]["amount_refunded"] == 100
    assert refund["charge"]["id"] == intent["latest_charge"]["id"]
    assert refund["payment_intent"]["id"] == intent["id"]


@pytest.mark.parametrize(
    ("path", "expand", "message"),
    [
        ("/v1/payment_intents", "latest_charge", "You may want to try expanding 'data.latest_charge' instead."),
        ("/v1/payment_intents", "data.amount", "This property cannot be expanded (amount)."),
    ],
)
async def test_what_cannot_be_expanded_is_refused(
    stripe_http: StripeHttp, path: str, expand: str, message: str
) -> None:
    await stripe_http.pay()

    response = await stripe_http.get(path, expand=[expand])

    assert response.status_code == 400
    assert message in response.json()["error"]["message"]


async def test_the_control_panel_exports_everything_of_every_account(
    stripe_http: StripeHttp, admin: SandboxAdmin
) -> None:
    mine = await stripe_http.pay(metadata={"paystream_payment_id": "p1"})
    await stripe_http.post("/v1/payment_intents", secret_key="sk_test_other", **PAYMENT)
    await stripe_http.post("/v1/refunds", payment_intent=mine["id"], amount=100, key="k1")

    assert [intent["id"] for intent in await admin.payment_intents(paystream_payment_id="p1")] == [mine["id"]]
    assert [charge["id"] for charge in await admin.charges(paystream_payment_id="p1")] == [mine["latest_charge"]]
    assert len(await admin.charges()) == 2
    assert len(await admin.refunds()) == 1
    state = await admin.state()
    assert state["payment_intent"] == {"succeeded": 2}
    assert state["charge"] == {"succeeded": 2}
    assert state["refund"] == {"succeeded": 1}
    assert state["idempotency_keys"] == 1

    await admin.reset()

    assert await admin.state() == {"idempotency_keys": 0}


async def test_intents_and_charges_of_a_customer_or_a_group(stripe_http: StripeHttp) -> None:
    customer = (await stripe_http.post("/v1/customers")).json()["id"]
    theirs = await stripe_http.pay(customer=customer)
    grouped = await stripe_http.pay(transfer_group="ORDER_7")
    await stripe_http.pay()

    assert await ids(stripe_http, customer=customer) == [theirs["id"]]
    assert await ids(stripe_http, "/v1/charges", customer=customer) == [theirs["latest_charge"]]
    assert await ids(stripe_http, "/v1/charges", transfer_group="ORDER_7") == [grouped["latest_charge"]]
    assert (await stripe_http.show(f"/v1/charges/{grouped['latest_charge']}"))["transfer_group"] == "ORDER_7"


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("/v1/charges/ch_none", "id"),
        ("/v1/refunds/re_none", "id"),
        ("/v1/customers/cus_none", "id"),
        ("/v1/balance_transactions/txn_none", "id"),
        ("/v1/events/evt_none", "id"),
        ("/v1/payment_intents/pi_none", "intent"),
    ],
)
async def test_what_is_missing_is_named_as_stripe_names_it(stripe_http: StripeHttp, path: str, param: str) -> None:
    missing = await stripe_http.get(path)

    assert (missing.status_code, missing.json()["error"]["param"]) == (404, param)

from typing import Any

import pytest

from infra.stripe_sandbox.customers.lookup import WELL_KNOWN
from tests.unit.infra.stripe_sandbox.stripe_http import PAYMENT, StripeHttp

CUSTOMERS = "/v1/customers"
INTENTS = "/v1/payment_intents"


async def made(stripe_http: StripeHttp, **params: Any) -> dict[str, Any]:
    answer = await stripe_http.post(CUSTOMERS, **params)
    assert answer.status_code == 200, answer.text
    customer: dict[str, Any] = answer.json()
    return customer


async def test_a_customer_is_made_changed_read_and_told_of(stripe_http: StripeHttp) -> None:
    customer = await made(
        stripe_http, email="a@shop.test", address={"city": "Berlin"}, metadata={"user": "7"}, tax_exempt="reverse"
    )
    path = f"{CUSTOMERS}/{customer['id']}"
    changed = await stripe_http.post(path, name="A. Body", email="", metadata={"since": "2026"})

    assert customer["id"].startswith("cus_")
    assert (customer["email"], customer["tax_exempt"], customer["name"]) == ("a@shop.test", "reverse", None)
    assert customer["address"] == dict.fromkeys(["country", "line1", "line2", "postal_code", "state"]) | {
        "city": "Berlin"
    }
    assert (changed.json()["name"], changed.json()["email"]) == ("A. Body", None)
    assert changed.json()["metadata"] == {"user": "7", "since": "2026"}
    assert await stripe_http.show(path) == changed.json()
    assert await stripe_http.told() == ["customer.created", "customer.updated"]


async def test_customers_are_listed_by_address_and_belong_to_one_account(stripe_http: StripeHttp) -> None:
    one, other = await made(stripe_http, email="a@shop.test"), await made(stripe_http, email="b@shop.test")

    assert await stripe_http.data(CUSTOMERS) == [other, one]
    assert await stripe_http.data(CUSTOMERS, email="a@shop.test") == [one]
    assert await stripe_http.data(CUSTOMERS, secret_key="sk_test_other") == []
    foreign = await stripe_http.post(INTENTS, secret_key="sk_test_other", **{**PAYMENT, "customer": one["id"]})
    assert foreign.json()["error"]["code"] == "resource_missing"


async def test_an_unknown_customer_is_refused_with_stripes_words(stripe_http: StripeHttp) -> None:
    shown = await stripe_http.get(f"{CUSTOMERS}/cus_x")
    paid = await stripe_http.post(INTENTS, **{**PAYMENT, "customer": "cus_x"})
    intent = await stripe_http.pay()
    changed = await stripe_http.post(f"{INTENTS}/{intent['id']}", customer="cus_x")

    assert [answer.status_code for answer in (shown, paid, changed)] == [404, 400, 400]
    assert [answer.json()["error"]["param"] for answer in (shown, paid, changed)] == ["id", "customer", "customer"]
    for answer in (shown, paid, changed):
        error = answer.json()["error"]
        assert (error["type"], error["code"]) == ("invalid_request_error", "resource_missing")
        assert error["message"] == "No such customer: 'cus_x'"
    assert len(await stripe_http.data(INTENTS)) == 1


async def test_a_payment_is_of_its_customer_and_of_no_other(stripe_http: StripeHttp) -> None:
    customer, other = await made(stripe_http), await made(stripe_http)
    intent = await stripe_http.pay(customer=customer["id"], expand=["latest_charge", "customer"])
    path = f"{INTENTS}/{intent['id']}"
    same = await stripe_http.post(path, customer=customer["id"])
    others = [await stripe_http.post(path, customer=changed) for changed in (other["id"], "")]

    assert intent["customer"] == customer
    assert intent["latest_charge"]["customer"] == customer["id"]
    assert same.status_code == 200
    for answer in others:
        assert answer.status_code == 400
        assert answer.json()["error"]["message"].startswith("You cannot modify `customer` on a PaymentIntent once")


async def test_every_account_has_the_well_known_customer(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay(customer=WELL_KNOWN.id, expand=["customer"])
    shown = await stripe_http.show(f"{CUSTOMERS}/{WELL_KNOWN.id}")
    changed = await stripe_http.post(f"{CUSTOMERS}/{WELL_KNOWN.id}", name="Somebody")

    assert intent["customer"] == shown
    assert changed.status_code == 400
    assert await stripe_http.data(CUSTOMERS) == []


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"email": "nobody"}, "email_invalid", "email"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"address": {"planet": "Mars"}}, "parameter_unknown", "address[planet]"),
        ({"shipping": {"phone": "1", "address": {"city": "Berlin"}}}, "parameter_missing", "shipping[name]"),
        ({"shipping": {"name": "A. Body"}}, "parameter_missing", "shipping[address]"),
        ({"balance": 100}, None, "balance"),
    ],
)
async def test_what_a_customer_cannot_be_is_refused(
    stripe_http: StripeHttp, params: dict[str, Any], code: str | None, param: str
) -> None:
    answer = await stripe_http.post(CUSTOMERS, **params)

    assert answer.status_code == 400
    assert (answer.json()["error"].get("code"), answer.json()["error"]["param"]) == (code, param)

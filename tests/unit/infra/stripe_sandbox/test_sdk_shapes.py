"""The members of the sandbox's objects are those that the official SDK's classes say that they have."""

from collections.abc import Iterator
from typing import Any, Union, get_args, get_origin

import pytest
import stripe

from infra.stripe_sandbox.app import Sandbox
from infra.stripe_sandbox.client import SandboxAdmin
from tests.unit.infra.stripe_sandbox.stripe_http import PAYMENT, Clock, StripeHttp
from tests.unit.infra.stripe_sandbox.webhook_receiver import Receiver

CLASSES = {
    "payment_intent": stripe.PaymentIntent,
    "charge": stripe.Charge,
    "refund": stripe.Refund,
    "dispute": stripe.Dispute,
    "balance_transaction": stripe.BalanceTransaction,
    "payout": stripe.Payout,
    "event": stripe.Event,
    "balance": stripe.Balance,
    "payment_method": stripe.PaymentMethod,
    "account": stripe.Account,
    "customer": stripe.Customer,
    "webhook_endpoint": stripe.WebhookEndpoint,
}


def members(model: type[Any]) -> dict[str, Any]:
    """Return the annotations of a class of the SDK, those of its helpers left out."""
    found = {name: kind for name, kind in vars(model).get("__annotations__", {}).items() if not name.startswith("_")}
    return {name: kind for name, kind in found.items() if name != "OBJECT_NAME"}


def required(model: type[Any]) -> set[str]:
    return {
        name
        for name, kind in members(model).items()
        if not (get_origin(kind) is Union and type(None) in get_args(kind))
    }


def mistakes(shown: Any, model: type[Any], path: str) -> Iterator[str]:
    """Yield what an object has too much or too little, in the objects inside it as well."""
    if isinstance(shown, list):
        for each in shown:
            yield from mistakes(each, model, f"{path}[]")
        return
    if not isinstance(shown, dict):
        return
    yield from (f"{path}: {name} is unknown" for name in sorted(shown.keys() - members(model).keys()))
    yield from (f"{path}: {name} is missing" for name in sorted(required(model) - shown.keys()))
    for name, inner in getattr(model, "_inner_class_types", {}).items():
        yield from mistakes(shown.get(name), inner, f"{path}.{name}")


@pytest.fixture
async def shown(
    stripe_http: StripeHttp, admin: SandboxAdmin, clock: Clock, sandbox: Sandbox, receiver: Receiver
) -> list[dict[str, Any]]:
    """Everything that a busy account shows, each object alone and in its events."""
    await admin.add_endpoint("https://shop.test", "whsec_one", connect=True)
    held = await stripe_http.pay(capture_method="manual")
    await stripe_http.post("/v1/payment_intents", **PAYMENT | {"payment_method": "pm_card_chargeDeclined"})
    await stripe_http.post("/v1/payment_intents", **PAYMENT | {"payment_method": "pm_card_chargeDeclinedFraudulent"})
    await stripe_http.pay(payment_method="pm_card_threeDSecure2Required", return_url="https://shop.test")
    await stripe_http.pay(payment_method="pm_card_threeDSecure2Required")
    authenticated = await stripe_http.pay(payment_method="pm_card_threeDSecure2Required")
    await admin.authenticate(authenticated["id"])
    address = {"city": "Berlin", "line1": "Street 1"}
    shipping = {"name": "A. Body", "address": address}
    customer = await stripe_http.post("/v1/customers", email="a@shop.test", address=address, shipping=shipping)
    await stripe_http.post(f"/v1/customers/{customer.json()['id']}", name="A. Body")
    for card in ("refundFail", "pendingRefund", "refundRequiresAction"):
        await stripe_http.refund(await stripe_http.pay(payment_method=f"pm_card_{card}"), reason="duplicate")
    for card in ("createDispute", "createDisputeInquiry", "bypassPending"):
        await stripe_http.pay(payment_method=f"pm_card_{card}")
    clock.now += 6
    for dispute in await stripe_http.data("/v1/disputes"):
        await stripe_http.post(f"/v1/disputes/{dispute['id']}", evidence={"uncategorized_text": "winning_evidence"})
    await admin.pay_out(fails=True)
    await stripe_http.pay(payment_method="pm_card_bypassPending")
    await stripe_http.post("/v1/payouts", amount=100, currency="usd")
    clock.now += 8 * 24 * 3600
    await admin.pay_out()
    await sandbox.dispatcher.deliver_due()
    objects = [await stripe_http.show("/v1/balance"), await stripe_http.show("/v1/account"), *receiver.events]
    objects += [event["data"]["object"] for event in receiver.events]
    for kind in (
        *("payment_intents", "charges", "refunds", "disputes", "payouts", "balance_transactions", "events"),
        *("customers", "webhook_endpoints"),
    ):
        objects += await stripe_http.data(f"/v1/{kind}", limit=100)
    objects.append(
        (await stripe_http.show(f"/v1/payment_intents/{held['id']}", expand=["payment_method"]))["payment_method"]
    )
    return objects


async def test_no_member_is_missing_and_none_is_made_up(shown: list[dict[str, Any]]) -> None:
    found = {mistake for each in shown for mistake in mistakes(each, CLASSES[each["object"]], each["object"])}

    assert {each["object"] for each in shown} == CLASSES.keys()
    assert sorted(found) == []


async def test_what_is_never_null_at_stripe_is_left_out_instead(shown: list[dict[str, Any]]) -> None:
    """Of the members that Stripe's description of its API lets be absent, and does not let be null."""
    never_null = {"charge": {"presentment_details"}, "customer": {"business_name", "individual_name"}}

    nulls = {
        name for each in shown for name in never_null.get(each["object"], ()) if name in each and each[name] is None
    }

    assert nulls == set()


async def test_the_sdk_reads_every_object(shown: list[dict[str, Any]]) -> None:
    for each in shown:
        read = stripe.StripeObject.construct_from(each, "sk_test_unit")
        assert read.to_dict() == each

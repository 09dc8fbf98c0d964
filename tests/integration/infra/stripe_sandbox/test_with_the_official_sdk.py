"""What our gateway relies on, seen through Stripe's own Python SDK over a real socket."""

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest
import stripe

from infra.stripe_sandbox.client import SandboxAdmin
from tests.integration.infra.stripe_sandbox.sandbox_process import SandboxProcess, stripe_sdk

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCreateParams

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def payment(
    payment_method: str = "pm_card_visa", *, amount: int = 1000, order: str = "7"
) -> "PaymentIntentCreateParams":
    return {
        "amount": amount,
        "currency": "usd",
        "confirm": True,
        "payment_method": payment_method,
        "allowed_payment_method_types": ["card"],
        "metadata": {"order": order},
    }


async def test_a_payment_succeeds_and_shows_its_charge(sdk: stripe.StripeClient) -> None:
    intent = await sdk.v1.payment_intents.create_async({**payment(), "expand": ["latest_charge"]})

    assert intent.status == "succeeded"
    assert intent.amount_received == 1000
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert intent.latest_charge.captured
    assert intent.metadata["order"] == "7"
    assert intent.last_response is not None
    assert str(intent.last_response.request_id).startswith("req_")


@pytest.mark.parametrize(
    ("payment_method", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
    ],
)
async def test_a_decline_is_a_card_error(
    sdk: stripe.StripeClient, payment_method: str, code: str, decline_code: str | None
) -> None:
    with pytest.raises(stripe.CardError) as declined:
        await sdk.v1.payment_intents.create_async(payment(payment_method))

    error = declined.value.error
    assert error is not None
    assert declined.value.http_status == 402
    assert declined.value.code == code
    assert error.decline_code == decline_code
    assert error.payment_intent is not None
    assert error.payment_intent.status == "requires_payment_method"
    assert error.charge == error.payment_intent.latest_charge


async def test_the_same_key_again_is_a_replay(sdk: stripe.StripeClient, admin: SandboxAdmin) -> None:
    first = await sdk.v1.payment_intents.create_async(payment(), {"idempotency_key": "event-1"})
    again = await sdk.v1.payment_intents.create_async(payment(), {"idempotency_key": "event-1"})

    assert again.id == first.id
    assert again.last_response is not None
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert len(await admin.charges()) == 1


async def test_the_same_key_for_something_else_is_an_idempotency_error(sdk: stripe.StripeClient) -> None:
    await sdk.v1.payment_intents.create_async(payment(), {"idempotency_key": "event-1"})

    with pytest.raises(stripe.IdempotencyError, match="Keys for idempotent requests can only be used with the same"):
        await sdk.v1.payment_intents.create_async(payment(amount=2000), {"idempotency_key": "event-1"})


@pytest.mark.race
async def test_one_key_from_many_at_once_makes_one_charge(sdk: stripe.StripeClient, admin: SandboxAdmin) -> None:
    await admin.delay(before_ms=50)

    async def create() -> str:
        intent = await sdk.v1.payment_intents.create_async(payment(), {"idempotency_key": "event-1"})
        return intent.id

    outcomes = await asyncio.gather(*(create() for _ in range(25)), return_exceptions=True)

    ids = {outcome for outcome in outcomes if isinstance(outcome, str)}
    refused = [outcome for outcome in outcomes if isinstance(outcome, stripe.StripeError)]
    assert len(ids) == 1
    # The SDK keeps no code of its own for a 409, only what the body says.
    codes = {(error.http_status, error.error.code) for error in refused if error.error is not None}
    assert codes == {(409, "idempotency_key_in_use")}
    assert len(await admin.charges()) == 1
    await admin.delay(before_ms=0)
    assert await create() in ids


@pytest.mark.race
async def test_of_two_refunds_that_exceed_the_charge_one_wins(sdk: stripe.StripeClient, admin: SandboxAdmin) -> None:
    intent = await sdk.v1.payment_intents.create_async(payment(amount=10_000))

    outcomes = await asyncio.gather(
        *(sdk.v1.refunds.create_async({"payment_intent": intent.id, "amount": 6000}) for _ in range(2)),
        return_exceptions=True,
    )

    (lost,) = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert isinstance(lost, stripe.InvalidRequestError)
    assert lost.user_message == "Refund amount ($60.00) is greater than unrefunded amount on charge ($40.00)"
    assert lost.param == "amount"
    assert lost.code is None
    assert len(await admin.refunds()) == 1


async def test_after_the_last_refund_there_is_nothing_left(sdk: stripe.StripeClient) -> None:
    intent = await sdk.v1.payment_intents.create_async(payment())
    refund = await sdk.v1.refunds.create_async({"payment_intent": intent.id, "reason": "duplicate"})

    with pytest.raises(stripe.InvalidRequestError) as refused:
        await sdk.v1.refunds.create_async({"payment_intent": intent.id})

    assert refund.status == "succeeded"
    assert refund.amount == 1000
    assert refused.value.code == "charge_already_refunded"


async def test_a_hold_is_captured_in_part_once(sdk: stripe.StripeClient) -> None:
    held = await sdk.v1.payment_intents.create_async({**payment(), "capture_method": "manual"})

    captured = await sdk.v1.payment_intents.capture_async(held.id, {"amount_to_capture": 700})
    with pytest.raises(stripe.InvalidRequestError) as again:
        await sdk.v1.payment_intents.capture_async(held.id, {"amount_to_capture": 300})
    with pytest.raises(stripe.InvalidRequestError) as cancel:
        await sdk.v1.payment_intents.cancel_async(held.id)

    assert held.amount_capturable == 1000
    assert (captured.status, captured.amount_received) == ("succeeded", 700)
    assert again.value.code == cancel.value.code == "payment_intent_unexpected_state"


async def test_too_much_is_not_captured_and_the_hold_can_be_canceled(sdk: stripe.StripeClient) -> None:
    held = await sdk.v1.payment_intents.create_async({**payment(), "capture_method": "manual"})

    with pytest.raises(stripe.InvalidRequestError) as refused:
        await sdk.v1.payment_intents.capture_async(held.id, {"amount_to_capture": 1001})
    canceled = await sdk.v1.payment_intents.cancel_async(held.id, {"cancellation_reason": "requested_by_customer"})

    assert refused.value.code == "amount_too_large"
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "requested_by_customer")


async def test_objects_are_found_by_our_metadata(sdk: stripe.StripeClient) -> None:
    expected = await sdk.v1.payment_intents.create_async(payment(order="it's mine"))
    await sdk.v1.payment_intents.create_async(payment(order="another"))

    found = await sdk.v1.payment_intents.search_async({"query": 'metadata["order"]:"it\'s mine"'})
    nothing = await sdk.v1.payment_intents.search_async({"query": "metadata['order']:'none'"})

    assert [intent.id for intent in found.data] == [expected.id]
    assert nothing.data == []


async def test_all_pages_are_read_one_after_another(sdk: stripe.StripeClient) -> None:
    made = [(await sdk.v1.payment_intents.create_async(payment())).id for _ in range(7)]

    listed = await sdk.v1.payment_intents.list_async({"limit": 3})
    found = await sdk.v1.payment_intents.search_async({"query": "status:'succeeded'", "limit": 3})

    assert [intent.id async for intent in listed.auto_paging_iter()] == made[::-1]
    assert [intent.id async for intent in found.auto_paging_iter()] == made[::-1]


async def test_authentication_is_asked_for_and_passed(sdk: stripe.StripeClient, admin: SandboxAdmin) -> None:
    waiting = await sdk.v1.payment_intents.create_async(
        {**payment("pm_card_threeDSecure2Required"), "return_url": "https://shop.test/back"}
    )
    assert waiting.status == "requires_action"
    assert waiting.next_action is not None
    assert waiting.next_action.redirect_to_url is not None
    url = waiting.next_action.redirect_to_url.url
    assert url is not None

    async with httpx.AsyncClient() as browser:
        page = await browser.get(url)
    await admin.authenticate(waiting.id, "succeed")
    passed = await sdk.v1.payment_intents.retrieve_async(waiting.id)

    assert page.status_code == 200
    assert passed.status == "succeeded"


async def test_a_wrong_key_is_an_authentication_error(shared_sandbox: SandboxProcess) -> None:
    async with stripe_sdk(shared_sandbox.url, stripe_secret_key="sk_test_other-0123456789abcdef") as client:
        with pytest.raises(stripe.AuthenticationError, match=r"Invalid API Key provided: \S*\*+cdef"):
            await client.v1.balance.retrieve_async()


async def test_a_time_out_after_the_effect_is_settled_by_the_same_key(
    shared_sandbox: SandboxProcess, admin: SandboxAdmin
) -> None:
    async with stripe_sdk(shared_sandbox.url, stripe_timeout_ms=300) as client:
        await admin.delay(after_ms=1500)
        with pytest.raises(stripe.APIConnectionError):
            await client.v1.payment_intents.create_async(payment(), {"idempotency_key": "event-1"})
        (charge,) = await admin.charges()
        await admin.delay(after_ms=0)

        settled = await client.v1.payment_intents.create_async(payment(), {"idempotency_key": "event-1"})

    assert settled.latest_charge == charge["id"]
    assert len(await admin.charges()) == 1


async def test_it_says_that_it_is_well(shared_sandbox: SandboxProcess) -> None:
    async with httpx.AsyncClient(base_url=shared_sandbox.url) as client:
        ready = await client.get("/health/ready")
        metrics = await client.get("/metrics")

    assert ready.status_code == 200
    assert "stripe_sandbox_requests_total" in metrics.text

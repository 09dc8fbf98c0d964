import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
import stripe

from infra.settings import StripeSettings
from infra.stripe_client import HttpxTransport, create_stripe, stripe_client

Answer = Callable[[httpx.Request], httpx.Response]


def settings(**changes: object) -> StripeSettings:
    return StripeSettings.model_validate({"stripe_secret_key": "sk_test_1", "stripe_timeout_ms": 1500} | changes)


def a_client(answer: Answer, **changes: object) -> stripe.StripeClient:
    return create_stripe(settings(**changes), HttpxTransport(1.5, httpx.MockTransport(answer)))


async def create_intent(client: stripe.StripeClient) -> stripe.PaymentIntent:
    return await client.v1.payment_intents.create_async(
        {"amount": 1000, "currency": "usd"}, {"idempotency_key": "event-1"}
    )


@pytest.mark.parametrize(
    ("base", "address"),
    [
        (None, "https://api.stripe.com/v1/payment_intents"),
        ("http://127.0.0.1:8002/", "http://127.0.0.1:8002/v1/payment_intents"),
    ],
)
async def test_a_call_goes_to_the_configured_address_with_our_key(base: str | None, address: str) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"id": "pi_1", "object": "payment_intent"})

    intent = await create_intent(a_client(answer, stripe_api_base=base))

    assert intent.id == "pi_1"
    (request,) = seen
    assert str(request.url) == address
    assert request.headers["authorization"] == "Bearer sk_test_1"
    assert request.headers["idempotency-key"] == "event-1"
    assert request.content == b"amount=1000&currency=usd"
    assert set(request.extensions["timeout"].values()) == {1.5}


@pytest.mark.parametrize("status", [409, 429, 500, 503])
async def test_the_sdk_retries_nothing_by_itself(status: int) -> None:
    calls = 0

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        error = {"error": {"type": "api_error", "message": "again"}}
        return httpx.Response(status, json=error, headers={"Stripe-Should-Retry": "true"})

    with pytest.raises(stripe.StripeError):
        await create_intent(a_client(answer))

    assert calls == 1


async def test_a_time_out_is_one_call_and_a_connection_error() -> None:
    calls = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        raise httpx.ReadTimeout("", request=request)

    with pytest.raises(stripe.APIConnectionError):
        await create_intent(a_client(answer))

    assert calls == 1


async def test_an_answer_that_trickles_is_ended_by_the_same_time_out() -> None:
    async def trickle() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.01)
            yield b" "

    transport = HttpxTransport(0.1, httpx.MockTransport(lambda _: httpx.Response(200, content=trickle())))

    with pytest.raises(stripe.APIConnectionError, match="TimeoutError"):
        await create_intent(create_stripe(settings(), transport))


async def test_a_lent_client_is_closed_afterwards() -> None:
    async with stripe_client(settings()) as client:
        transport = client._requestor._client
        assert isinstance(transport, HttpxTransport)
        assert not transport.is_closed

    assert transport.is_closed

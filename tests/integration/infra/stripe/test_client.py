import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import stripe
from aiohttp import web

from infra.settings.stripe import StripeSettings
from infra.stripe.client import AioHttpTransport, stripe_client

pytestmark = pytest.mark.integration

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def stripe_that(answer: Answer, **changes: object) -> AsyncIterator[stripe.StripeClient]:
    """Lend a client of a server that answers every request so."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    values = {"stripe_secret_key": "sk_test_1", "stripe_api_base": f"http://{host}:{port}/", "stripe_timeout_ms": 1500}
    try:
        async with stripe_client(StripeSettings.model_validate(values | changes)) as client:
            yield client
    finally:
        await runner.cleanup()


async def create_intent(client: stripe.StripeClient) -> stripe.PaymentIntent:
    return await client.v1.payment_intents.create_async(
        {"amount": 1000, "currency": "usd"}, {"idempotency_key": "event-1"}
    )


async def test_a_call_goes_to_the_configured_address_with_our_key() -> None:
    seen: list[tuple[str, str, str, bytes]] = []

    async def answer(request: web.Request) -> web.Response:
        headers = request.headers
        seen.append((request.path, headers["Authorization"], headers["Idempotency-Key"], await request.read()))
        return web.json_response({"id": "pi_1", "object": "payment_intent"})

    async with stripe_that(answer) as client:
        intent = await create_intent(client)

    assert intent.id == "pi_1"
    assert seen == [("/v1/payment_intents", "Bearer sk_test_1", "event-1", b"amount=1000&currency=usd")]


async def test_a_nul_that_people_wrote_does_not_come_out_of_an_answer() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"id": "pi_1", "object": "payment_intent", "description": "a\0b"})

    async with stripe_that(answer) as client:
        assert (await create_intent(client)).description == "a\N{REPLACEMENT CHARACTER}b"


async def test_without_an_address_it_is_stripes_own() -> None:
    settings = StripeSettings.model_validate({"stripe_secret_key": "sk_test_1"})
    async with stripe_client(settings) as client:
        assert client._requestor._options.base_addresses["api"] == "https://api.stripe.com"


@pytest.mark.parametrize("status", [409, 429, 500, 503])
async def test_the_sdk_retries_nothing_by_itself(status: int) -> None:
    calls = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        error = {"error": {"type": "api_error", "message": "again"}}
        return web.json_response(error, status=status, headers={"Stripe-Should-Retry": "true"})

    async with stripe_that(answer) as client:
        with pytest.raises(stripe.StripeError):
            await create_intent(client)

    assert calls == 1


async def test_no_answer_in_time_is_one_call_and_a_connection_error() -> None:
    calls = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        await asyncio.Event().wait()
        return web.Response()

    async with stripe_that(answer, stripe_timeout_ms=100) as client:
        with pytest.raises(stripe.APIConnectionError, match="TimeoutError"):
            await create_intent(client)

    assert calls == 1


async def test_an_answer_that_trickles_is_ended_by_the_same_time_out() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(3000):
            await asyncio.sleep(0.01)  # far less than the time-out: each byte is in time, and the whole is not
            await response.write(b" ")
        return response

    async with stripe_that(answer, stripe_timeout_ms=100) as client:
        with pytest.raises(stripe.APIConnectionError, match="TimeoutError"):
            await create_intent(client)


async def test_a_connection_that_breaks_in_the_answer_is_a_connection_error() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.close()
        return response

    async with stripe_that(answer) as client:
        with pytest.raises(stripe.APIConnectionError):
            await create_intent(client)


async def test_nobody_there_is_a_connection_error() -> None:
    settings = StripeSettings.model_validate(
        {"stripe_secret_key": "sk_test_1", "stripe_api_base": "http://127.0.0.1:1"}
    )
    async with stripe_client(settings) as client:
        with pytest.raises(stripe.APIConnectionError):
            await create_intent(client)


async def test_a_lent_client_is_closed_afterwards() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"id": "pi_1", "object": "payment_intent"})

    async with stripe_that(answer) as client:
        await create_intent(client)
        transport = client._requestor._client
        assert isinstance(transport, AioHttpTransport)
        assert not transport.is_closed

    assert transport.is_closed

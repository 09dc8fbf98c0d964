"""Webhooks over real sockets: signed, sent again, and there after a kill."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import stripe
from aiohttp import web

from infra.stripe_sandbox.client import SandboxAdmin
from tests.integration.infra.stripe_sandbox.sandbox_process import SandboxProcess, running_sandbox, stripe_sdk
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCreateParams

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SECRET = "whsec_integration"
PAYMENT: "PaymentIntentCreateParams" = {
    "amount": 1000,
    "currency": "usd",
    "confirm": True,
    "payment_method": "pm_card_visa",
    "allowed_payment_method_types": ["card"],
}


class Shop:
    """Receives webhooks and believes only those that the SDK believes."""

    def __init__(self) -> None:
        self.secret = SECRET
        self.events: list[stripe.Event] = []
        self.forged = 0
        self.attempts = 0
        self.refusing = 0
        self.answering = asyncio.Event()
        self.answering.set()

    async def receive(self, request: web.Request) -> web.Response:
        self.attempts += 1
        await self.answering.wait()
        if self.refusing > 0:
            self.refusing -= 1
            return web.Response(status=503)
        try:
            event = stripe.Webhook.construct_event(
                await request.read(),
                request.headers.get("Stripe-Signature"),
                self.secret,
                api_key="sk_test_integration",
            )
        except stripe.SignatureVerificationError:
            self.forged += 1
            return web.Response(status=400)
        self.events.append(event)
        return web.Response()

    async def types(self) -> Counter[str]:
        return Counter(str(event.type) for event in self.events)

    async def count(self) -> int:
        return len(self.events)

    async def refused(self) -> int:
        return self.forged


@asynccontextmanager
async def open_shop(port: int = 0) -> AsyncIterator[tuple[Shop, str]]:
    shop, app = Shop(), web.Application()
    app.router.add_post("/webhooks", shop.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    try:
        yield shop, f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def sandbox_for(url: str, data: Path, **settings: str) -> AsyncIterator[SandboxProcess]:
    variables = {"STRIPE_SANDBOX_WEBHOOK_URL": url, "STRIPE_SANDBOX_WEBHOOK_SECRET": SECRET, **settings}
    async with running_sandbox(data, **variables) as sandbox:
        yield sandbox


async def test_a_payment_is_told_to_the_endpoint_of_the_settings(tmp_path: Path) -> None:
    async with (
        open_shop() as (shop, url),
        sandbox_for(url, tmp_path / "sandbox.db") as sandbox,
        stripe_sdk(sandbox.url) as sdk,
    ):
        intent = await sdk.v1.payment_intents.create_async(PAYMENT, {"idempotency_key": "event-1"})
        await eventually(shop.count, lambda count: count == 4, within=10)
        listed = await sdk.v1.events.list_async({"type": "payment_intent.succeeded"})

    (succeeded,) = [event for event in shop.events if event.type == "payment_intent.succeeded"]
    assert succeeded.data.object["id"] == intent.id
    assert succeeded.request is not None
    assert succeeded.request.idempotency_key == "event-1"
    assert [event.id for event in listed.data] == [succeeded.id]


async def test_an_answer_never_waits_for_a_webhook(tmp_path: Path) -> None:
    async with (
        open_shop() as (shop, url),
        sandbox_for(url, tmp_path / "sandbox.db", STRIPE_SANDBOX_WEBHOOK_TIMEOUT_MS="60000") as sandbox,
        stripe_sdk(sandbox.url) as sdk,
    ):
        shop.answering.clear()
        for _ in range(20):
            await sdk.v1.payment_intents.create_async(PAYMENT)
        answered = len(shop.events)
        shop.answering.set()
        await eventually(shop.count, lambda count: count == 80, within=20)

    assert answered == 0


async def test_what_is_refused_comes_again_as_fast_as_the_clock_runs(tmp_path: Path) -> None:
    async with (
        open_shop() as (shop, url),
        # A quarter of an hour each second: the retries of three days take five minutes, the first one a third of a
        # second.
        sandbox_for(url, tmp_path / "sandbox.db", STRIPE_SANDBOX_CLOCK_RATE="900") as sandbox,
        stripe_sdk(sandbox.url) as sdk,
    ):
        shop.refusing = 6
        await sdk.v1.payment_intents.create_async(PAYMENT)
        await eventually(shop.count, lambda count: count == 4, within=20)

    assert shop.attempts == 10


async def test_what_was_not_taken_before_a_kill_is_sent_after_it(tmp_path: Path) -> None:
    async with open_shop() as (_, url):
        pass  # nobody listens there now
    port = int(url.split(":")[2].split("/")[0])
    async with sandbox_for(url, tmp_path / "sandbox.db") as sandbox:
        async with stripe_sdk(sandbox.url) as sdk, SandboxAdmin(sandbox.url) as admin:
            for _ in range(5):
                await sdk.v1.payment_intents.create_async(PAYMENT)
            waiting = await admin.deliveries("pending")
        await sandbox.end(signal.SIGKILL)
        async with open_shop(port) as (shop, _):
            await sandbox.start()
            async with SandboxAdmin(sandbox.url) as admin:
                await admin.hasten_deliveries()
                await eventually(shop.count, lambda count: count >= 20, within=20)
                left = await eventually(lambda: admin.deliveries("pending"), lambda found: not found, within=10)

    assert len(waiting) == 20
    assert left == []
    assert len({event.id for event in shop.events}) == 20


async def test_lies_are_told_beside_the_truth(tmp_path: Path) -> None:
    async with (
        open_shop() as (shop, url),
        sandbox_for(url, tmp_path / "sandbox.db", STRIPE_SANDBOX_WEBHOOK_EVENTS="payment_intent.succeeded") as sandbox,
        stripe_sdk(sandbox.url) as sdk,
        SandboxAdmin(sandbox.url) as admin,
    ):
        for effect in ("forge", "tamper", "unsign", "age"):
            await admin.add_fault(effect, type="payment_intent.*", times=1)
        await sdk.v1.payment_intents.create_async(PAYMENT)
        await eventually(shop.refused, lambda refused: refused == 4, within=10)
        await eventually(shop.types, lambda types: types["payment_intent.succeeded"] == 1, within=10)


async def test_the_sdk_makes_changes_and_deletes_where_webhooks_go(tmp_path: Path) -> None:
    async with (
        open_shop() as (shop, url),
        running_sandbox(tmp_path / "sandbox.db") as sandbox,
        stripe_sdk(sandbox.url) as sdk,
    ):
        endpoints = sdk.v1.webhook_endpoints
        made = await endpoints.create_async({"url": url, "enabled_events": ["payment_intent.succeeded"]})
        assert made.secret is not None
        shop.secret = made.secret
        await sdk.v1.payment_intents.create_async(PAYMENT)
        await eventually(shop.count, lambda count: count == 1)

        shown = await endpoints.retrieve_async(made.id)
        listed = await endpoints.list_async()
        changed = await endpoints.update_async(made.id, {"enabled_events": ["charge.succeeded"], "description": "Shop"})
        await sdk.v1.payment_intents.create_async(PAYMENT)
        await eventually(shop.count, lambda count: count == 2)
        deleted = await endpoints.delete_async(made.id)
        with pytest.raises(stripe.InvalidRequestError, match="No such webhook endpoint"):
            await endpoints.retrieve_async(made.id)

    assert getattr(shown, "secret", None) is None
    assert [each.id for each in listed.data] == [made.id]
    assert changed.description == "Shop"
    assert deleted.deleted is True
    assert [str(event.type) for event in shop.events] == ["payment_intent.succeeded", "charge.succeeded"]
    assert shop.forged == 0

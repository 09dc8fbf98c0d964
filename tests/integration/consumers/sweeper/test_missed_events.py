"""Events of Stripe that no webhook brought: they are listed, recorded once, and interpreted as any other."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import stripe

from command_api.webhooks.service import WebhookResult
from consumers.stripe.lists.lists import StripeLists
from consumers.stripe.payments import StripeApi
from consumers.stripe.translate.events import object_kind_of
from consumers.sweeper.missed_events import EVENT_TYPES, MissedEvents
from consumers.webhooks.interpret import InterpretationOutcome
from domain.ids import RefundId
from domain.money import Money
from domain.payment.commands import RequestRefund
from domain.payment.values import RefundStatus
from infra.postgres.pool import Pool
from infra.stripe_sandbox.client import SandboxAdmin
from schemas.events import STRIPE_EVENT_CODEC
from tests.integration.consumers.gateway.gateway_without_kafka import Payments, a_guard, working
from tests.integration.consumers.webhooks.recorded_webhooks import Webhooks
from tests.integration.infra.stripe_sandbox.sandbox_process import SandboxProcess, running_sandbox, stripe_sdk

pytestmark = [pytest.mark.integration, pytest.mark.slow]

THREE = Money(amount_cents=300, currency="USD")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SandboxProcess]:
    async with running_sandbox(tmp_path_factory.mktemp("sandbox") / "sandbox.db") as process:
        yield process


@pytest_asyncio.fixture
async def admin(sandbox: SandboxProcess) -> AsyncIterator[SandboxAdmin]:
    async with SandboxAdmin(sandbox.url) as client:
        await client.reset()
        yield client


@pytest_asyncio.fixture
async def client(sandbox: SandboxProcess, admin: SandboxAdmin) -> AsyncIterator[stripe.StripeClient]:  # noqa: ARG001 - empty
    async with stripe_sdk(sandbox.url) as sdk:
        yield sdk


@pytest.fixture
def missed(pool: Pool, client: stripe.StripeClient) -> MissedEvents:
    return MissedEvents(pool, StripeLists(client, a_guard(), timeout_s=10, event_types=EVENT_TYPES), overlap_s=60)


@pytest_asyncio.fixture
async def webhooks(pool: Pool) -> AsyncIterator[Webhooks]:
    webhooks = Webhooks(pool)
    yield webhooks
    await webhooks.close()


async def catch_up(missed: MissedEvents) -> None:
    assert await missed.catch_up(go_on=lambda: True)


async def recorded(webhooks: Webhooks) -> list[str]:
    """Return the types of the events in the log."""
    return [STRIPE_EVENT_CODEC.decode(each.event).type for each in await webhooks.delivered()]


def test_what_is_listed_is_what_payments_depend_on() -> None:
    assert len(EVENT_TYPES) <= 20, "Stripe takes no more types"
    assert all(object_kind_of(each) for each in EVENT_TYPES)
    assert {"charge.dispute.created", "refund.failed", "payment_intent.canceled"} <= set(EVENT_TYPES)


async def test_a_dispute_and_a_refund_whose_webhooks_were_lost_are_noticed(
    admin: SandboxAdmin,
    client: stripe.StripeClient,
    missed: MissedEvents,
    webhooks: Webhooks,
    pool: Pool,
) -> None:
    payments, api = Payments(pool), StripeApi(client, a_guard(), timeout_s=10)
    async with working(pool, api):
        payment_id = await payments.request()
        state = await payments.becomes(payment_id, "succeeded")
        await payments.command(payment_id, RequestRefund(refund_id=RefundId(uuid.uuid4()), amount=THREE))
        await payments.all_done()
        assert (await payments.state(payment_id)).amount_refunded == THREE
        await catch_up(missed)
        await webhooks.interpret()
        (refund,) = await admin.refunds()
        await admin.settle_refund(str(refund["id"]), "failed")
        await admin.dispute(str(state.charge_id), amount=700)
        await catch_up(missed)
        outcomes = await webhooks.interpret()
        assert InterpretationOutcome.REFRESH in outcomes
        await payments.all_done()
    state = await payments.state(payment_id)
    assert [each.status for each in state.refunds.values()] == [RefundStatus.FAILED]
    assert [each.amount.amount_cents for each in state.disputes.values()] == [700]


async def test_an_event_is_recorded_once_whichever_way_it_comes(
    client: stripe.StripeClient, missed: MissedEvents, webhooks: Webhooks, pool: Pool
) -> None:
    payments, api = Payments(pool), StripeApi(client, a_guard(), timeout_s=10)
    async with working(pool, api):
        for _ in range(3):
            await payments.becomes(await payments.request(), "succeeded")
    events = (await client.v1.events.list_async({"type": "payment_intent.succeeded"})).data
    first, second, third = (each.to_dict() for each in events)
    assert await webhooks.receive_event(first) is WebhookResult.RECORDED
    await asyncio.gather(*(missed.catch_up(go_on=lambda: True) for _ in range(5)), webhooks.receive_event(second))
    await catch_up(missed)
    assert await webhooks.receive_event(third) is WebhookResult.DUPLICATE
    assert await recorded(webhooks) == ["payment_intent.succeeded"] * 3


async def test_no_client_secret_is_kept_of_a_listed_event(
    client: stripe.StripeClient, missed: MissedEvents, webhooks: Webhooks, pool: Pool
) -> None:
    payments, api = Payments(pool), StripeApi(client, a_guard(), timeout_s=10)
    async with working(pool, api):
        await payments.becomes(await payments.request(), "succeeded")
    await catch_up(missed)
    assert await recorded(webhooks)
    assert all(b"_secret_" not in bytes(each.event.data) for each in await webhooks.delivered())


async def test_reading_goes_on_where_it_was_cut_short(
    client: stripe.StripeClient, pool: Pool, webhooks: Webhooks
) -> None:
    for _ in range(120):
        await client.v1.payment_intents.create_async(
            {"amount": 1000, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"}
            | {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}},  # type: ignore[arg-type]
            {"idempotency_key": str(uuid.uuid4())},
        )
    lists = StripeLists(client, a_guard(), timeout_s=10, event_types=EVENT_TYPES)
    one_page = iter((True, False))
    killed = MissedEvents(pool, lists, overlap_s=60)
    assert not await killed.catch_up(go_on=lambda: next(one_page))
    assert len(await recorded(webhooks)) == 100
    await catch_up(MissedEvents(pool, lists, overlap_s=60))
    assert len(await recorded(webhooks)) == 120

"""Events of Stripe that no webhook brought: they are listed, recorded once, and interpreted as any other."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
import stripe
from structlog.testing import capture_logs

from command_api.webhooks.service import WebhookResult
from consumers.stripe.client import JsonObject, Page
from consumers.stripe.lists.lists import Lists, StripeList, StripeLists
from consumers.stripe.payments import StripeApi
from consumers.stripe.translate.events import object_kind_of
from consumers.sweeper.missed_events import EVENT_TYPES, MissedEvents
from consumers.webhooks.interpret import InterpretationOutcome
from domain.ids import RefundId
from domain.money import Money
from domain.payment.commands import RequestRefund
from domain.payment.values import RefundStatus
from event_store.appends import MAX_EVENT_BYTES
from infra.postgres.pool import Pool
from infra.stripe.guard.fakes import ManualClock
from infra.stripe_sandbox.client import SandboxAdmin
from schemas.events import STRIPE_EVENT_CODEC
from tests.integration.consumers.gateway.gateway_without_kafka import Payments, a_guard, working
from tests.integration.consumers.one_page import OnePage
from tests.integration.consumers.webhooks.recorded_webhooks import Webhooks
from tests.integration.infra.stripe_sandbox.sandbox_process import SandboxProcess, running_sandbox, stripe_sdk

pytestmark = [pytest.mark.integration, pytest.mark.slow]

THREE = Money(amount_cents=300, currency="USD")
HOUR_S = 3600.0
NOBODY_LISTENS = "http://127.0.0.1:9/webhooks/stripe"


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


@dataclass
class Counted:
    """Lists that keep what was asked for."""

    lists: Lists
    requested: list[StripeList] = field(default_factory=list)

    async def page(self, list_: StripeList, *, created_from: int, after: str | None, limit: int) -> Page:
        self.requested.append(list_)
        return await self.lists.page(list_, created_from=created_from, after=after, limit=limit)

    async def row(self, list_: StripeList, stripe_id: str) -> JsonObject | None:
        return await self.lists.row(list_, stripe_id)


@pytest.fixture
def lists(client: stripe.StripeClient) -> Counted:
    return Counted(StripeLists(client, a_guard(), timeout_s=10, event_types=EVENT_TYPES))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def missed(pool: Pool, lists: Counted, clock: ManualClock) -> MissedEvents:
    return MissedEvents(pool, lists, overlap_s=60, whole_interval_s=HOUR_S, clock=clock)


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


@pytest.mark.parametrize("has_endpoint", [True, False])
async def test_a_dispute_and_a_refund_whose_webhooks_were_lost_are_noticed(
    *,
    admin: SandboxAdmin,
    client: stripe.StripeClient,
    missed: MissedEvents,
    webhooks: Webhooks,
    pool: Pool,
    clock: ManualClock,
    has_endpoint: bool,
) -> None:
    if has_endpoint:
        await admin.add_endpoint(NOBODY_LISTENS, "whsec_sweeper")
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
        if not has_endpoint:  # nothing failed to be delivered
            await catch_up(missed)
            assert await webhooks.interpret() == []
            clock.now += HOUR_S
        await catch_up(missed)
        outcomes = await webhooks.interpret()
        assert InterpretationOutcome.REFRESH in outcomes
        await payments.all_done()
    state = await payments.state(payment_id)
    assert [each.status for each in state.refunds.values()] == [RefundStatus.FAILED]
    assert [each.amount.amount_cents for each in state.disputes.values()] == [700]


def an_event(number: int, **payload: object) -> dict[str, object]:
    shown = {"id": f"pi_{number}", "object": "payment_intent", **payload}
    return {
        "id": f"evt_{number}",
        "object": "event",
        "type": "payment_intent.succeeded",
        "created": 1_700_000_000 + number,
        "livemode": False,
        "data": {"object": shown},
    }


async def test_an_event_that_the_log_cannot_take_holds_up_no_other(pool: Pool, webhooks: Webhooks) -> None:
    too_large = an_event(2, metadata={"text": "x" * MAX_EVENT_BYTES})
    no_event = an_event(3) | {"type": "Not A Type"}
    missed = MissedEvents(
        pool, OnePage((an_event(4), no_event, too_large, an_event(1))), overlap_s=60, whole_interval_s=HOUR_S
    )
    with capture_logs() as logs:
        await catch_up(missed)
    ids = [STRIPE_EVENT_CODEC.decode(each.event).stripe_event_id for each in await webhooks.delivered()]
    assert ids == ["evt_1", "evt_4"]
    named = {each["stripe_id"] for each in logs if each["event"] == "stripe_list_row_left_out"}
    assert named == {"evt_2", "evt_3"}
    await catch_up(missed)
    assert len(await webhooks.delivered()) == 2


async def test_what_is_no_event_holds_up_no_other(pool: Pool, webhooks: Webhooks) -> None:
    unnamed: list[Any] = [
        None,
        7,
        "evt_2",
        [],
        {},
        *(an_event(2) | {"id": bad} for bad in (None, 2, "", "e" * 256, {"id": "evt_2"})),
    ]
    changes: tuple[dict[str, object], ...] = (
        {"created": "soon"},
        {"created": 2**63},
        {"data": None},
        {"data": {"object": 7}},
    )
    of_another_shape = [an_event(number) | change for number, change in enumerate(changes, start=10)]
    lists = OnePage((an_event(4), *unnamed, *of_another_shape, an_event(1), None))
    missed = MissedEvents(pool, lists, overlap_s=60, whole_interval_s=HOUR_S)
    with capture_logs() as logs:
        await catch_up(missed)
    ids = [STRIPE_EVENT_CODEC.decode(each.event).stripe_event_id for each in await webhooks.delivered()]
    assert ids == ["evt_1", "evt_4"]
    said = [each["stripe_id"] for each in logs if each["event"] == "stripe_list_row_left_out"]
    once = [None] * (len(unnamed) + 1) + [each["id"] for each in of_another_shape]
    assert sorted(map(str, said)) == sorted(map(str, 2 * once)), "in the list of all, and of those not delivered"


async def test_an_event_with_half_a_character_is_recorded_without_it(pool: Pool, webhooks: Webhooks) -> None:
    cut = an_event(1, description="Paid with \U0001f4b3"[:-1] + "\ud83d\0", **{"\udcb3": "\udcb3"})
    missed = MissedEvents(pool, OnePage((cut,)), overlap_s=60, whole_interval_s=HOUR_S)
    await catch_up(missed)
    (recorded,) = [STRIPE_EVENT_CODEC.decode(each.event) for each in await webhooks.delivered()]
    shown = recorded.payload["data"]["object"]
    assert (shown["description"], shown["\ufffd"]) == ("Paid with \ufffd\ufffd", "\ufffd")


async def watermarks(pool: Pool) -> list[tuple[str, int]]:
    async with pool.connection() as conn:
        cursor = await conn.execute("SELECT list, watermark FROM consumers.balance_cursors ORDER BY list")
        return await cursor.fetchall()


async def test_an_event_that_was_left_out_is_recorded_once_it_can_be(pool: Pool, webhooks: Webhooks) -> None:
    bad, gone = an_event(1) | {"type": "Not A Type"}, an_event(2) | {"type": "Nor This"}
    lists = OnePage((gone, bad))
    missed = MissedEvents(pool, lists, overlap_s=60, whole_interval_s=HOUR_S)
    before = await watermarks(pool)
    await catch_up(missed)
    assert await watermarks(pool) == before, "what is left out holds up no listing"
    lists.rows, lists.later = (an_event(100_000),), (an_event(1),)  # a release of ours reads it
    await catch_up(missed)
    assert len(await webhooks.delivered()) == 1, "not within the hour"
    async with pool.connection() as conn:
        await conn.execute("UPDATE consumers.stripe_rows_left_out SET tried_at = tried_at - interval '1 hour'")
    await catch_up(missed)
    ids = [STRIPE_EVENT_CODEC.decode(each.event).stripe_event_id for each in await webhooks.delivered()]
    assert sorted(ids) == ["evt_1", "evt_100000"]
    async with pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT stripe_id FROM consumers.stripe_rows_left_out WHERE list = 'undelivered_events'"
        )
        assert await cursor.fetchall() == []


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
    client: stripe.StripeClient, lists: Counted, pool: Pool, webhooks: Webhooks
) -> None:
    await pay(client, times=120)
    one_page = iter((True, True, False))  # of the undelivered ones there is one, and it is empty
    killed = MissedEvents(pool, lists, overlap_s=60, whole_interval_s=HOUR_S)
    assert not await killed.catch_up(go_on=lambda: next(one_page))
    assert len(await recorded(webhooks)) == 100
    await catch_up(MissedEvents(pool, lists, overlap_s=60, whole_interval_s=HOUR_S))
    assert len(await recorded(webhooks)) == 120


async def test_all_are_read_for_a_while_at_a_time_and_gone_on_with_until_the_end(
    client: stripe.StripeClient, lists: Counted, pool: Pool, webhooks: Webhooks
) -> None:
    await pay(client, times=120)
    clock = ManualClock()
    missed = MissedEvents(pool, lists, overlap_s=60, whole_interval_s=HOUR_S, whole_part_s=0.0, clock=clock)
    assert not await missed.catch_up(go_on=lambda: True)
    patient = MissedEvents(pool, lists, overlap_s=60, whole_interval_s=HOUR_S, whole_part_s=1.0, clock=clock)
    await catch_up(patient)
    assert len(await recorded(webhooks)) == 120
    lists.requested.clear()
    await catch_up(patient)
    assert lists.requested == [StripeList.UNDELIVERED_EVENTS]


@pytest.mark.parametrize("payments", [1, 120])
async def test_what_was_delivered_costs_one_call_however_much_it_is(
    *, client: stripe.StripeClient, lists: Counted, missed: MissedEvents, clock: ManualClock, payments: int
) -> None:
    await pay(client, times=payments)
    await catch_up(missed)
    lists.requested.clear()
    for _ in range(3):
        await catch_up(missed)
    assert lists.requested == [StripeList.UNDELIVERED_EVENTS] * 3
    clock.now += HOUR_S
    await catch_up(missed)
    assert set(lists.requested[3:]) == {StripeList.UNDELIVERED_EVENTS, StripeList.EVENTS}


async def pay(client: stripe.StripeClient, *, times: int) -> None:
    for _ in range(times):
        await client.v1.payment_intents.create_async(
            {"amount": 1000, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"}
            | {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}},  # type: ignore[arg-type]
            {"idempotency_key": str(uuid.uuid4())},
        )

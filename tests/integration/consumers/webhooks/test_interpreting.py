"""What is made of Stripe's events: late, twice, in any order, of others."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import TopicPartition
from psycopg.rows import dict_row

from command_api.webhooks.service import WebhookResult
from consumers.tasks.intent_index import IndexedIntent, find_or_await_intents, index_intents
from consumers.tasks.models import refresh_id
from consumers.webhooks.interpret import InterpretationOutcome
from domain.ids import PaymentId, StripeChargeId, StripeIntentId
from domain.money import Money
from domain.payment.observations import RecordActionRequired, RecordIntentCreated, RecordSucceeded
from domain.payment.values import PaymentStatus
from infra.postgres.pool import Connection, Pool
from schemas.errors import SchemaError
from schemas.topics import STRIPE_EVENT
from tests.integration.consumers.gateway.gateway_without_kafka import Payments
from tests.integration.consumers.webhooks.recorded_webhooks import PARTITION, Webhooks, of_payment
from tests.support.signed_webhooks import Json, a_stripe_event
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

MONEY = Money(amount_cents=1000, currency="USD")


@pytest_asyncio.fixture
async def webhooks(pool: Pool) -> AsyncIterator[Webhooks]:
    webhooks = Webhooks(pool)
    yield webhooks
    await webhooks.close()


@pytest.fixture
def payments(pool: Pool) -> Payments:
    return Payments(pool, with_intake=False)


class Story:
    """A payment that waits for its customer, and Stripe's objects of it."""

    def __init__(self, payments: Payments, payment_id: PaymentId) -> None:
        self.payments = payments
        self.id = payment_id
        self.intent_id = f"pi_{payment_id.hex}"

    @classmethod
    async def begin(cls, payments: Payments) -> "Story":
        story = cls(payments, await payments.request())
        created = RecordIntentCreated(
            intent_id=StripeIntentId(story.intent_id), status=PaymentStatus.REQUIRES_CONFIRMATION
        )
        action = RecordActionRequired(intent_id=StripeIntentId(story.intent_id), action_type="use_stripe_sdk")
        for observation in (created, action):
            await payments.command(story.id, observation)
        return story

    async def succeed(self) -> None:
        charged = RecordSucceeded(
            intent_id=StripeIntentId(self.intent_id), amount_captured=MONEY, charge_id=StripeChargeId("ch_1")
        )
        await self.payments.command(self.id, charged)

    def intent(self, status: str = "succeeded", **fields: Any) -> Json:
        shown = {"id": self.intent_id, "object": "payment_intent", "status": status, "currency": "usd"}
        money = {"amount": 1000, "amount_received": 1000, "latest_charge": "ch_1"}
        return of_payment(self.id, **shown, **money) | fields

    def dispute(self) -> Json:
        return {
            "id": "du_1",
            "object": "dispute",
            "status": "needs_response",
            "payment_intent": self.intent_id,
            "charge": "ch_1",
            "amount": 1000,
            "currency": "usd",
            "reason": "fraudulent",
            "evidence_details": {"due_by": 1_900_000_000},
            "balance_transactions": [{"amount": -1000, "currency": "usd"}],
            "metadata": {},
        }


@pytest_asyncio.fixture
async def story(payments: Payments) -> Story:
    return await Story.begin(payments)


async def refreshes(pool: Pool) -> list[dict[str, Any]]:
    async with pool.connection() as conn, conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute("SELECT * FROM consumers.gateway_tasks ORDER BY position")
        return await cursor.fetchall()


async def test_what_the_customer_did_makes_the_payment_be_read_again(
    webhooks: Webhooks, story: Story, pool: Pool
) -> None:
    await webhooks.receive("payment_intent.succeeded", story.intent(), id="evt_1")
    assert await webhooks.interpret() == [InterpretationOutcome.REFRESH]
    (task,) = await refreshes(pool)
    (delivered,) = await webhooks.delivered()
    assert (task["operation"], task["status"]) == ("refresh_payment", "due")
    assert (task["event_id"], task["payment_id"]) == (refresh_id(story.id), story.id)
    assert (task["merchant_id"], task["position"]) == ("merchant_test", delivered.position)
    assert task["correlation_id"] == "webhook evt_1"
    assert "payment.succeeded" not in await story.payments.event_types(story.id)


async def test_an_event_that_comes_twice_is_recorded_and_interpreted_once(
    webhooks: Webhooks, story: Story, pool: Pool
) -> None:
    event = a_stripe_event("payment_intent.succeeded", story.intent())
    assert await webhooks.receive_event(event) is WebhookResult.RECORDED
    assert await webhooks.receive_event(event) is WebhookResult.DUPLICATE
    assert await webhooks.interpret() == [InterpretationOutcome.REFRESH]
    assert await webhooks.interpret() == []
    assert len(await refreshes(pool)) == 1


async def test_several_events_about_one_payment_make_it_be_read_once(
    webhooks: Webhooks, story: Story, pool: Pool
) -> None:
    for event_type in ("payment_intent.succeeded", "payment_intent.succeeded"):
        await webhooks.receive(event_type, story.intent())
    assert await webhooks.interpret() == [InterpretationOutcome.REFRESH, InterpretationOutcome.REFRESH]
    await webhooks.receive("charge.refunded", of_payment(story.id, payment_intent=story.intent_id, amount_refunded=9))
    assert await webhooks.interpret() == [InterpretationOutcome.REFRESH]
    assert len(await refreshes(pool)) == 1


async def test_what_a_call_of_ours_was_answered_already_asks_for_nothing(
    webhooks: Webhooks, story: Story, pool: Pool
) -> None:
    await story.succeed()
    await webhooks.receive("payment_intent.succeeded", story.intent())
    assert await webhooks.interpret() == [InterpretationOutcome.NOTHING_NEW]
    assert await refreshes(pool) == []


async def test_events_in_the_wrong_order_and_days_late_ask_for_nothing(
    webhooks: Webhooks, story: Story, pool: Pool
) -> None:
    await story.succeed()
    late = [
        ("payment_intent.requires_action", story.intent("requires_action", next_action={"type": "use_stripe_sdk"})),
        ("payment_intent.processing", story.intent("processing")),
        ("payment_intent.succeeded", story.intent()),
    ]
    random.Random(7).shuffle(late)
    for event_type, obj in late:
        await webhooks.receive(event_type, obj, created=1_000_000_000)
    assert await webhooks.interpret() == [InterpretationOutcome.NOTHING_NEW] * 3
    assert await refreshes(pool) == []


async def test_a_dispute_without_metadata_is_found_by_the_intent(webhooks: Webhooks, story: Story, pool: Pool) -> None:
    """The gateway notes whose the intent is; one of before did not, and then an event with metadata teaches it."""
    await story.succeed()
    await webhooks.receive("payment_intent.succeeded", story.intent())
    assert await webhooks.interpret() == [InterpretationOutcome.NOTHING_NEW]
    await webhooks.receive("charge.dispute.created", story.dispute())
    assert await webhooks.interpret() == [InterpretationOutcome.REFRESH]
    (task,) = await refreshes(pool)
    assert task["payment_id"] == story.id


async def test_a_dispute_that_comes_before_its_intent_is_known_is_not_forgotten(
    webhooks: Webhooks, story: Story, pool: Pool
) -> None:
    await story.succeed()
    await webhooks.receive("charge.dispute.created", story.dispute())
    await webhooks.receive("charge.dispute.updated", story.dispute())
    assert await webhooks.interpret() == [InterpretationOutcome.UNKNOWN_PAYMENT, InterpretationOutcome.UNKNOWN_PAYMENT]
    await webhooks.receive("payment_intent.succeeded", story.intent())
    assert await webhooks.interpret() == [InterpretationOutcome.REFRESH], (
        "it says nothing new, and the dispute was asked for"
    )
    await webhooks.receive("payment_intent.succeeded", story.intent())
    assert await webhooks.interpret() == [InterpretationOutcome.NOTHING_NEW]
    (task,) = await refreshes(pool)
    assert task["payment_id"] == story.id


@pytest.mark.parametrize("first", ["dispute", "intent"])
async def test_of_a_dispute_and_its_intent_at_one_instant_one_sees_the_other(pool: Pool, first: str) -> None:
    payment_id = PaymentId(uuid.uuid4())

    async def dispute(conn: Connection) -> bool:
        return await find_or_await_intents(conn, [StripeIntentId("pi_1")]) == {"pi_1": payment_id}

    async def intent(conn: Connection) -> bool:
        return await index_intents(conn, [IndexedIntent(intent_id=StripeIntentId("pi_1"), payment_id=payment_id)]) == {
            payment_id
        }

    earlier, later = (dispute, intent) if first == "dispute" else (intent, dispute)
    async with pool.connection() as one, pool.connection() as other:
        async with one.transaction():
            assert await earlier(one) is False
            waiting = asyncio.create_task(later(other))
            await eventually(lambda: _waits_for_a_lock(one), until=bool)
        assert await waiting is True


async def _waits_for_a_lock(conn: Connection) -> bool:
    await conn.execute("SELECT pg_stat_clear_snapshot()")  # within a transaction what was seen first stays so
    cursor = await conn.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    row = await cursor.fetchone()
    return row is not None and row[0] > 0


async def test_what_is_not_of_ours_is_ignored(webhooks: Webhooks, story: Story, pool: Pool) -> None:
    other = {"id": "pi_other", "object": "payment_intent", "status": "succeeded"}
    await webhooks.receive("payment_intent.succeeded", other)
    await webhooks.receive("payment_intent.succeeded", other | {"metadata": {"paystream_payment_id": "order 7"}})
    await webhooks.receive("payment_intent.succeeded", of_payment(PaymentId(uuid.uuid4()), **other))
    await webhooks.receive("payment_intent.succeeded", story.intent(id="pi_copy"))
    await webhooks.receive("payment_intent.succeeded", story.intent(), account="acct_other")
    await webhooks.receive("payout.paid", {"id": "po_1", "object": "payout"})
    await webhooks.receive("customer.created", {"id": "cus_1", "object": "customer"})
    assert await webhooks.interpret() == [
        InterpretationOutcome.UNKNOWN_PAYMENT,
        InterpretationOutcome.UNKNOWN_PAYMENT,
        InterpretationOutcome.UNKNOWN_PAYMENT,
        InterpretationOutcome.OTHER_INTENT,
        InterpretationOutcome.OTHER_ACCOUNT,
        InterpretationOutcome.UNHANDLED_TYPE,
        InterpretationOutcome.UNHANDLED_TYPE,
    ]
    assert await refreshes(pool) == []


async def test_the_note_of_whose_an_intent_is_counts_for_more_than_metadata(
    webhooks: Webhooks, payments: Payments, pool: Pool
) -> None:
    mine, yours = await Story.begin(payments), await Story.begin(payments)
    for each in (mine, yours):
        await webhooks.receive("payment_intent.requires_action", each.intent("requires_action"))
    await webhooks.interpret()
    await payments.execute("UPDATE consumers.gateway_tasks SET status = 'done'")
    await webhooks.receive("payment_intent.succeeded", mine.intent(metadata=yours.intent()["metadata"]))
    assert await webhooks.interpret() == [InterpretationOutcome.REFRESH]
    assert [task["payment_id"] for task in await refreshes(pool) if task["status"] == "due"] == [mine.id]


async def test_an_event_that_cannot_be_read_changes_nothing(webhooks: Webhooks, story: Story, pool: Pool) -> None:
    await webhooks.receive("payment_intent.succeeded", story.intent())
    (good,) = await webhooks.delivered()
    with pytest.raises(SchemaError):
        await webhooks.apply([replace(good, event=replace(good.event, data=b"{}"))])
    assert await refreshes(pool) == []
    assert await webhooks.interpret() == [InterpretationOutcome.REFRESH]


async def test_no_client_secret_is_in_the_database(webhooks: Webhooks, story: Story, pool: Pool) -> None:
    secret = f"{story.intent_id}_secret_hunter2"
    action = {"type": "redirect_to_url", "redirect_to_url": {"url": f"https://a/?client_secret={secret}"}}
    shown = story.intent("requires_action", client_secret=secret, next_action=action)
    await webhooks.receive("payment_intent.requires_action", shown)
    await webhooks.interpret()
    async with pool.connection() as conn:
        for table in ("event_store.events", "consumers.gateway_tasks", "consumers.payment_intents"):
            rows = await (await conn.execute(f"SELECT t::text FROM {table} t")).fetchall()
            assert rows
            assert "hunter2" not in str(rows)


async def test_the_answer_of_a_call_that_is_under_way_is_waited_for(webhooks: Webhooks, story: Story) -> None:
    await story.payments.execute(a_call(story.id))
    await webhooks.receive("payment_intent.succeeded", story.intent())
    interpreting = asyncio.create_task(webhooks.interpret(longest_s=10))
    await asyncio.sleep(0)
    await story.succeed()
    assert not interpreting.done()
    await story.payments.execute("UPDATE consumers.gateway_tasks SET status = 'done', lease_token = NULL")
    assert await interpreting == [InterpretationOutcome.NOTHING_NEW]


async def test_a_call_that_is_too_slow_or_lost_its_process_is_not_waited_for(
    webhooks: Webhooks, payments: Payments
) -> None:
    slow, dead = await Story.begin(payments), await Story.begin(payments)
    await payments.execute(a_call(dead.id, lease="-1 second"))
    await webhooks.receive("payment_intent.succeeded", dead.intent())
    async with asyncio.timeout(20):
        assert await webhooks.interpret(longest_s=60) == [InterpretationOutcome.REFRESH]
    await payments.execute(a_call(slow.id))
    await webhooks.receive("payment_intent.succeeded", slow.intent())
    assert await webhooks.interpret(longest_s=0.1) == [InterpretationOutcome.REFRESH]


async def test_events_of_several_partitions_wait_for_the_call_of_one_of_them(
    webhooks: Webhooks, payments: Payments
) -> None:
    first, second = await Story.begin(payments), await Story.begin(payments)
    await payments.execute(a_call(second.id))
    for story in (first, second):
        await webhooks.receive("payment_intent.succeeded", story.intent())
    one, other = await webhooks.delivered()
    batches = {PARTITION: [one], TopicPartition(STRIPE_EVENT, 1): [replace(other, previous_position=0)]}
    applying = asyncio.create_task(webhooks.apply_poll(batches, longest_s=10))
    await asyncio.sleep(0.2)
    assert not applying.done()
    for story in (first, second):
        await story.succeed()
    await payments.execute("UPDATE consumers.gateway_tasks SET status = 'done', lease_token = NULL")
    applied = await applying
    assert {partition: each.applied for partition, each in applied.items()} == dict.fromkeys(batches, 1)
    assert webhooks.interpreter.outcomes == [InterpretationOutcome.NOTHING_NEW] * 2


def a_call(payment_id: PaymentId, *, lease: str = "30 seconds") -> str:
    """Return a statement that makes a call be under way."""
    return (
        "INSERT INTO consumers.gateway_tasks (event_id, payment_id, merchant_id, operation, position, correlation_id, "
        "status, due_at, lease_token) VALUES "
        f"(gen_random_uuid(), '{payment_id}', 'm', 'confirm_intent', 1, 'c', 'leased', now() + interval '{lease}', "
        "gen_random_uuid())"
    )

"""What was accepted and has no task gets one, whoever lost it; what has one, or an end, is left alone."""

import psycopg
import pytest
from prometheus_client import REGISTRY

from consumers.stripe.fakes import MemoryStripe
from consumers.sweeper.missing_tasks import make_missing_tasks
from domain.ids import RefundId, RequestId
from domain.payment.commands import CancelPayment, ConfirmPayment, RequestRefund
from infra.ids import uuid7
from infra.postgres.pool import Pool
from tests.integration.consumers.gateway.gateway_without_kafka import Payments, working
from tests.support.database import Database

pytestmark = pytest.mark.integration

COUNTER = "sweeper_missing_tasks_total"


@pytest.fixture
def payments(pool: Pool) -> Payments:
    return Payments(pool)


@pytest.fixture
def forgotten(pool: Pool) -> Payments:
    """Payments whose events never come to the gateway."""
    return Payments(pool, with_intake=False)


def made(operation: str) -> float:
    return REGISTRY.get_sample_value(COUNTER, {"operation": operation}) or 0.0


async def remove_tasks(database: Database) -> None:
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute("DELETE FROM consumers.gateway_tasks")


async def test_a_payment_that_was_forgotten_is_charged_once(
    payments: Payments, forgotten: Payments, pool: Pool
) -> None:
    before, stripe_fake = made("create_intent"), MemoryStripe()
    payment_id, known = await forgotten.request(), await payments.request()
    await make_missing_tasks(pool, wait_s=0)
    await make_missing_tasks(pool, wait_s=0)
    async with working(pool, stripe_fake):
        for each in (payment_id, known):
            await payments.becomes(each, "succeeded")
        await payments.all_done()
    assert made("create_intent") == before + 1
    assert len(stripe_fake.intents) == 2


async def test_a_forgotten_refund_confirmation_and_cancellation_get_tasks(
    payments: Payments, forgotten: Payments, pool: Pool
) -> None:
    stripe_fake = MemoryStripe()
    async with working(pool, stripe_fake):
        paid, unpaid = await payments.request(), await payments.request(confirm=False)
        given_up = await payments.request(confirm=False)
        await payments.becomes(paid, "succeeded")
        for each in (unpaid, given_up):
            await payments.becomes(each, "requires_confirmation")
        await payments.all_done()
    await forgotten.command(paid, RequestRefund(refund_id=RefundId(uuid7()), amount=None, reason=None))
    await forgotten.command(unpaid, ConfirmPayment(payment_method="pm_card_visa"))
    await forgotten.command(given_up, CancelPayment(request_id=RequestId(uuid7()), reason=None))
    await make_missing_tasks(pool, wait_s=0)
    async with working(pool, stripe_fake):
        await payments.becomes(unpaid, "succeeded")
        await payments.becomes(given_up, "canceled")
        await payments.all_done()
    assert len(stripe_fake.refunds) == 1


async def test_what_came_to_an_end_without_a_task_gets_none(payments: Payments, pool: Pool, database: Database) -> None:
    """Its task was removed as finished long ago, say."""
    async with working(pool, MemoryStripe()):
        payment_id = await payments.request()
        await payments.becomes(payment_id, "succeeded")
        await payments.all_done()
    await remove_tasks(database)
    await make_missing_tasks(pool, wait_s=0)
    assert await payments.tasks() == []


async def test_what_was_just_accepted_has_time_to_get_its_task(forgotten: Payments, pool: Pool) -> None:
    await forgotten.request()
    assert not await make_missing_tasks(pool, wait_s=60)
    assert await forgotten.tasks() == []
    await make_missing_tasks(pool, wait_s=0)
    assert len(await forgotten.tasks()) == 1


async def test_each_position_is_looked_at_once(payments: Payments, pool: Pool, database: Database) -> None:
    """It costs what is new, not what lies there."""
    await payments.request()
    await make_missing_tasks(pool, wait_s=0)
    await remove_tasks(database)
    await make_missing_tasks(pool, wait_s=0)
    assert await payments.tasks() == []


async def test_a_dead_letter_of_the_gateway_is_left_to_its_operator(
    forgotten: Payments, pool: Pool, database: Database
) -> None:
    payment_id = await forgotten.request()
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute(
            """
            INSERT INTO consumers.dead_letters
                   (consumer, topic, partition, kafka_offset, kafka_timestamp, position, previous_position,
                    stream, headers, digest, lacking, reason, error_type, error)
            SELECT 'stripe-gateway', 'paystream.payment.events', 0, 0, now(), position, 0,
                   stream_id, '[]', '', '{}', 'behind', 'ValueError', 'an event before it'
              FROM event_store.events WHERE stream_id = %s
            """,
            [payment_id],
        )
    await make_missing_tasks(pool, wait_s=0)
    assert await forgotten.tasks() == []

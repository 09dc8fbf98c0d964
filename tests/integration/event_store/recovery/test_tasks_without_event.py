"""Calls to Stripe that were asked for by events which the log lost: they are never made, and nothing waits for them."""

from uuid import UUID, uuid4

import psycopg
import pytest

from consumers.tasks.models import TaskOperation
from event_store.recovery.recover import QUERIES
from tests.support.database import Database

pytestmark = pytest.mark.integration


async def test_a_relay_ends_calls_whose_event_is_lost(database: Database) -> None:
    payment_id, other = uuid4(), uuid4()
    tasks = [
        (payment_id, TaskOperation.CAPTURE_INTENT, 51, False),
        (payment_id, TaskOperation.CREATE_REFUND, 52, True),
        (other, TaskOperation.CREATE_INTENT, 50, False),
        (other, TaskOperation.REFRESH_PAYMENT, 53, False),
    ]
    async with await psycopg.AsyncConnection.connect(database.url("app"), autocommit=True) as app:
        for payment, operation, position, blocked in tasks:
            await app.execute(
                "INSERT INTO consumers.gateway_tasks"
                " (event_id, payment_id, merchant_id, operation, position, correlation_id, blocked)"
                " VALUES (%s, %s, 'one', %s, %s, 'c-1', %s)",
                [uuid4(), payment, operation.value, position, blocked],
            )
        async with await psycopg.AsyncConnection.connect(database.url("relay"), autocommit=True) as relay:
            await relay.execute(QUERIES.end_tasks_without_event, {"position": 50})
        found = await app.execute("SELECT payment_id, operation, status FROM consumers.gateway_tasks ORDER BY position")
        rows: list[tuple[UUID, str, str]] = await found.fetchall()
    assert rows == [
        (other, "create_intent", "due"),
        (payment_id, "capture_intent", "done"),
        (payment_id, "create_refund", "done"),
        (other, "refresh_payment", "due"),
    ]

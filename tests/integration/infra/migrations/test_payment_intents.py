"""Migration 0006 on a database that has payments, up and down."""

from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio

from domain.ids import EventId, MerchantId
from event_store.appends import Append
from event_store.store import _append_json
from infra.embedded.databases import create_database, drop_database
from infra.embedded.postgres import PostgresServer
from infra.ids import uuid7
from infra.migrations.runner import downgrade, upgrade
from schemas.events import PAYMENT_CODEC
from tests.support.log_entries import metadata
from tests.support.payment_histories import events_of, paid, request_payment

pytestmark = pytest.mark.integration

NAME = "migrate_payment_intents"
REFRESH = (
    "INSERT INTO consumers.gateway_tasks (event_id, payment_id, merchant_id, operation, position, correlation_id) "
    "VALUES (gen_random_uuid(), gen_random_uuid(), 'm', 'refresh_payment', 1, 'c')"
)


@pytest_asyncio.fixture
async def url(session_postgres: PostgresServer) -> AsyncIterator[str]:
    yield await create_database(session_postgres, NAME)
    await drop_database(session_postgres, NAME)


async def test_the_intents_of_earlier_payments_are_known_and_it_can_be_reverted(url: str) -> None:
    upgrade(url, "0005")
    request = request_payment()
    story = Append(
        stream_id=request.payment_id,
        category="payment",
        merchant_id=MerchantId("m"),
        expected_version=0,
        events=tuple(
            PAYMENT_CODEC.encode(each, event_id=EventId(uuid7()), metadata=metadata())
            for each in events_of(paid(request))
        ),
    )
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        await conn.execute("SELECT event_store.append(%s::jsonb)", [f"[{_append_json(story)}]"])
        with pytest.raises(psycopg.errors.CheckViolation):
            await conn.execute(REFRESH)
        upgrade(url, "0006")
        found = await conn.execute("SELECT intent_id, payment_id FROM consumers.payment_intents")
        assert await found.fetchall() == [(f"pi_{request.payment_id.hex}", request.payment_id)]
        await conn.execute(REFRESH)
        downgrade(url, "0005")
        assert await (await conn.execute("SELECT count(*) FROM consumers.gateway_tasks")).fetchone() == (0,)
        upgrade(url, "0006")

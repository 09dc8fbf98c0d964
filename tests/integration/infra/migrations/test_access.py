"""Migration 0040 on a database that has payments, up and down."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from domain.ids import EventId, MerchantId
from domain.payment.decide import decide
from event_store.appends import Append
from event_store.store import _append_json
from infra.embedded.databases import create_database, drop_database
from infra.embedded.postgres import PostgresServer
from infra.ids import uuid7
from infra.migrations.runner import downgrade, upgrade
from schemas.events import PAYMENT_CODEC
from tests.support.log_entries import metadata
from tests.support.payment_histories import request_payment

pytestmark = pytest.mark.integration

NAME = "migrate_access"


@pytest_asyncio.fixture
async def url(session_postgres: PostgresServer) -> AsyncIterator[str]:
    yield await create_database(session_postgres, NAME)
    await drop_database(session_postgres, NAME)


def requested(merchant_id: str, **fields: Any) -> str:
    """Return a request for a payment, as the log's function takes it."""
    request = replace(request_payment(), **fields)
    events = decide(None, request)
    about = metadata(merchant_id=MerchantId(merchant_id))
    return _append_json(
        Append(
            stream_id=request.payment_id,
            category="payment",
            merchant_id=MerchantId(merchant_id),
            expected_version=0,
            events=tuple(PAYMENT_CODEC.encode(each, event_id=EventId(uuid7()), metadata=about) for each in events),
        )
    )


async def test_ids_belong_to_who_used_them_first_before_the_upgrade(url: str) -> None:
    upgrade(url, "0039")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        for item in (
            requested("one", customer="cus_1", payment_method="pm_1"),
            requested("two", customer="cus_1", payment_method="pm_card_visa"),
            requested("two", customer="cus_2", payment_method="pm_1"),
        ):
            await conn.execute("SELECT event_store.append(%s::jsonb)", [f"[{item}]"])
        upgrade(url, "0040")
        found = await conn.execute("SELECT stripe_id, merchant_id FROM event_store.stripe_id_owners ORDER BY 1")
        assert await found.fetchall() == [("cus_1", "one"), ("cus_2", "two"), ("pm_1", "one")]
        downgrade(url, "0039")
        assert await (await conn.execute("SELECT to_regnamespace('access')")).fetchone() == (None,)
        upgrade(url, "0040")
        assert await (await conn.execute("SELECT count(*) FROM event_store.stripe_id_owners")).fetchone() == (3,)

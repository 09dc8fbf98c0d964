"""Migration 0022 up, down and up again, beside a read model that has rows."""

from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio

from infra.embedded.databases import create_database, drop_database
from infra.embedded.postgres import PostgresServer
from infra.migrations.runner import downgrade, upgrade

pytestmark = pytest.mark.integration

NAME = "migrate_watermark"
EVENT = (
    "INSERT INTO read_model.payment_timeline VALUES (gen_random_uuid(), 1, 1, 'm', 't', now(), 'a', NULL, 'c', '{}')"
)
MARK = "SELECT position, epoch, generation FROM consumers.payments_watermark"


@pytest_asyncio.fixture
async def url(session_postgres: PostgresServer) -> AsyncIterator[str]:
    yield await create_database(session_postgres, NAME)
    await drop_database(session_postgres, NAME)


async def test_nothing_is_proved_after_the_upgrade_and_it_can_be_reverted(url: str) -> None:
    upgrade(url, "0021")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        await conn.execute(EVENT)
        for _ in range(2):
            upgrade(url, "0022")
            before = await (await conn.execute(MARK)).fetchone()
            assert before is not None
            assert before[:2] == (0, 0)
            await conn.execute("DELETE FROM read_model.payment_timeline")
            after = await (await conn.execute(MARK)).fetchone()
            assert after is not None
            assert after[2] != before[2], "whoever reads meanwhile has to see that rows are gone"
            downgrade(url, "0021")
            await conn.execute(EVENT)

"""Migration 0052 on a database that has keys, up and down."""

from collections.abc import AsyncIterator
from uuid import UUID

import orjson
import psycopg
import pytest
import pytest_asyncio

from infra.embedded.databases import create_database, drop_database
from infra.embedded.postgres import PostgresServer
from infra.ids import uuid7
from infra.migrations.runner import downgrade, upgrade
from infra.postgres.pool import Connection

pytestmark = pytest.mark.integration

NAME = "migrate_erased_subjects"


@pytest_asyncio.fixture
async def url(session_postgres: PostgresServer) -> AsyncIterator[str]:
    yield await create_database(session_postgres, NAME)
    await drop_database(session_postgres, NAME)


async def keys_of(conn: Connection, *subjects: str) -> dict[str, UUID]:
    """Have each of these subjects get a key; return those that have one."""
    offered = [
        {"key_id": str(uuid7()), "merchant_id": "-", "subject": each, "wrapped": "00", "wrapping_key": "test"}
        for each in subjects
    ]
    query = "SELECT subject, key_id FROM privacy.ensure_keys(%s::jsonb)"
    return dict(await (await conn.execute(query, [orjson.dumps(offered).decode()])).fetchall())


async def test_keys_stay_and_the_erased_get_none(url: str) -> None:
    upgrade(url, "0051")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        before = await keys_of(conn, "user:1", "stripe:pi_1")
        assert before.keys() == {"user:1", "stripe:pi_1"}
        assert await keys_of(conn, "stripe:pi_3")
        for _ in range(2):
            upgrade(url, "0052")
            for subject in ("stripe:pi_2", "stripe:pi_3"):
                await conn.execute("INSERT INTO privacy.erased_subjects VALUES ('-', %s, gen_random_uuid())", [subject])
            assert await keys_of(conn, "user:1", "stripe:pi_1", "stripe:pi_2", "stripe:pi_3") == before
            assert await keys_of(conn, "stripe:pi_3") == {}
            downgrade(url, "0051")
            assert await keys_of(conn, "user:1", "stripe:pi_1") == before
        assert (await keys_of(conn, "stripe:pi_2")).keys() == {"stripe:pi_2"}


async def test_users_are_never_erased_for_good(url: str) -> None:
    upgrade(url, "0052")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        with pytest.raises(psycopg.errors.CheckViolation):
            await conn.execute("INSERT INTO privacy.erased_subjects VALUES ('m', 'user:1', gen_random_uuid())")

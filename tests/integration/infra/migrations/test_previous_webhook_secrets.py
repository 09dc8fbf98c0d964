"""Migration 0055 on endpoints whose secrets are being rotated, up and down, with processes of the version before."""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID, uuid4

import psycopg
import pytest
import pytest_asyncio

from infra.embedded.databases import create_database, drop_database
from infra.embedded.postgres import PostgresServer
from infra.migrations.runner import downgrade, upgrade
from infra.postgres.pool import Connection

pytestmark = pytest.mark.integration

NAME = "migrate_webhook_secrets"
BEFORE, AFTER = "0054", "0055"
OLD_ROTATE: Final = """
UPDATE webhooks_out.endpoints
   SET previous_secret = CASE WHEN %(overlap_s)s > 0 THEN secret END,
       previous_secret_until = CASE WHEN %(overlap_s)s > 0
                                    THEN clock_timestamp() + %(overlap_s)s * interval '1 second' END,
       secret = %(secret)s,
       updated_at = clock_timestamp()
 WHERE endpoint_id = %(endpoint_id)s
"""
OLD_DELETE: Final = """
UPDATE webhooks_out.endpoints
   SET deleted_at = clock_timestamp(), updated_at = clock_timestamp(), enabled = false, disabled_because = NULL,
       secret = '', previous_secret = NULL, previous_secret_until = NULL
 WHERE endpoint_id = %(endpoint_id)s
"""


@pytest_asyncio.fixture
async def url(session_postgres: PostgresServer) -> AsyncIterator[str]:
    yield await create_database(session_postgres, NAME)
    await drop_database(session_postgres, NAME)


async def an_endpoint(conn: Connection, secret: bytes) -> UUID:
    endpoint_id = uuid4()
    await conn.execute(
        "INSERT INTO webhooks_out.endpoints (endpoint_id, merchant_id, url, event_types, description, enabled, secret)"
        " VALUES (%s, 'merchant_1', %s, '{}', '', true, %s)",
        [endpoint_id, f"https://shop.example/{endpoint_id}", secret],
    )
    return endpoint_id


async def old_rotate(conn: Connection, endpoint_id: UUID, secret: bytes, *, overlap_s: int = 3600) -> None:
    await conn.execute("SET ROLE paystream_app")
    await conn.execute(OLD_ROTATE, {"endpoint_id": endpoint_id, "secret": secret, "overlap_s": overlap_s})
    await conn.execute("RESET ROLE")


async def kept(conn: Connection, endpoint_id: UUID) -> set[bytes]:
    rows = await conn.execute(
        "SELECT secret FROM webhooks_out.previous_secrets WHERE endpoint_id = %s AND signs_until > clock_timestamp()",
        [endpoint_id],
    )
    return {secret for (secret,) in await rows.fetchall()}


async def old_worker_signs_with(conn: Connection, endpoint_id: UUID) -> tuple[bytes, bytes | None]:
    cursor = await conn.execute(
        "SELECT secret, CASE WHEN previous_secret_until > clock_timestamp() THEN previous_secret END"
        " FROM webhooks_out.endpoints WHERE endpoint_id = %s",
        [endpoint_id],
    )
    row = await cursor.fetchone()
    assert row is not None
    return row[0], row[1]


async def test_a_secret_in_its_overlap_signs_on_after_the_upgrade(url: str) -> None:
    upgrade(url, BEFORE)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        rotating, ended = await an_endpoint(conn, b"a"), await an_endpoint(conn, b"x")
        await old_rotate(conn, rotating, b"b")
        await old_rotate(conn, ended, b"y")
        await conn.execute(
            "UPDATE webhooks_out.endpoints SET previous_secret_until = now() - interval '1 s' WHERE endpoint_id = %s",
            [ended],
        )
        upgrade(url, AFTER)
        assert await kept(conn, rotating) == {b"a"}
        assert await kept(conn, ended) == set()
        assert await old_worker_signs_with(conn, rotating) == (b"b", b"a")


async def test_rotations_by_the_version_before_lose_no_secret(url: str) -> None:
    upgrade(url, AFTER)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        endpoint_id = await an_endpoint(conn, b"a")
        await old_rotate(conn, endpoint_id, b"b")
        await old_rotate(conn, endpoint_id, b"c")
        assert await kept(conn, endpoint_id) == {b"a", b"b"}
        await old_rotate(conn, endpoint_id, b"d", overlap_s=0)
        assert await kept(conn, endpoint_id) == {b"a", b"b"}
        await conn.execute("SET ROLE paystream_app")
        await conn.execute(OLD_DELETE, {"endpoint_id": endpoint_id})
        await conn.execute("RESET ROLE")
        assert await kept(conn, endpoint_id) == set()


async def test_a_downgrade_keeps_as_many_secrets_as_there_is_room_for(url: str) -> None:
    upgrade(url, AFTER)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        twice, leaked = await an_endpoint(conn, b"a"), await an_endpoint(conn, b"x")
        await old_rotate(conn, twice, b"b")
        await old_rotate(conn, twice, b"c")
        await old_rotate(conn, leaked, b"y")
        await old_rotate(conn, leaked, b"z", overlap_s=0)
        downgrade(url, BEFORE)
        assert await old_worker_signs_with(conn, twice) == (b"c", b"b")
        assert await old_worker_signs_with(conn, leaked) == (b"z", b"x")
        upgrade(url, AFTER)
        assert await kept(conn, twice) == {b"b"}
        assert await kept(conn, leaked) == {b"x"}

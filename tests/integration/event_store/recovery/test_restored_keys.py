"""A backup of before a key was revoked is restored: the key stays ended, though its row says otherwise."""

import asyncio
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from domain.ids import MerchantId
from event_store.access.admin import AccessAdmin, By, find_key
from event_store.access.secrets import draw_key
from event_store.recovery.admin import RecoveryAdmin
from infra.embedded.postgres import PostgresServer
from tests.integration.event_store.recovery.younger_log import new_log, published_up_to, relayed, url
from tests.support.brokers import LentBroker
from tests.support.database import postgres_server
from tests.support.postgres_copies import backup, server_on

pytestmark = [pytest.mark.integration, pytest.mark.slow]

_NOW = 1_800_000_000
_HOUR = 3600


async def a_key(admin: AccessAdmin) -> str:
    """Make a key of a merchant, and return its beginning."""
    secret = draw_key(is_production=False)
    await admin.create_key(
        secret, merchant_id=MerchantId("shop"), scopes=frozenset({"payments:read"}), now=_NOW, expires_at=None
    )
    return secret.prefix


async def newest(server: PostgresServer) -> int:
    """Return the position of the last event."""
    async with await psycopg.AsyncConnection.connect(url(server, "payments", "owner")) as owner:
        row = await (await owner.execute("SELECT max(position) FROM event_store.events")).fetchone()
    assert row is not None
    return int(row[0])


async def keys(server: PostgresServer) -> dict[str, dict[str, Any]]:
    async with (
        await psycopg.AsyncConnection.connect(url(server, "payments", "owner"), row_factory=dict_row) as owner,
        owner.cursor() as cursor,
    ):
        await cursor.execute("SELECT * FROM access.api_keys")
        return {each["prefix"]: each for each in await cursor.fetchall()}


async def merchants(server: PostgresServer) -> set[str]:
    async with await psycopg.AsyncConnection.connect(url(server, "payments", "owner")) as owner:
        found = await (await owner.execute("SELECT merchant_id FROM access.merchants")).fetchall()
    return {merchant_id for (merchant_id,) in found}


async def test_a_restored_backup_revives_no_key(tmp_path: Path, lent_broker: LentBroker) -> None:
    settings = lent_broker.settings()
    async with postgres_server(tmp_path / "primary") as primary:
        database = await new_log(primary)
        async with (
            relayed(primary, database, settings) as relay,
            await psycopg.AsyncConnection.connect(url(primary, database, "access"), autocommit=True) as conn,
        ):
            admin = AccessAdmin(conn, By(actor="ops", reason="a test"))
            await admin.create_merchant(MerchantId("shop"), "A shop")
            revoked, rotated, kept = [await a_key(admin) for _ in range(3)]
            await published_up_to(relay, await newest(primary))
            await asyncio.sleep(1.1)  # so that a note of the relay's is in the backup: it is written once a second
            yesterdays = await backup(primary)
            await admin.revoke_key(await find_key(conn, revoked))
            successor = draw_key(is_production=False)
            await admin.rotate_key(successor, await find_key(conn, rotated), now=_NOW, valid_for_s=_HOUR)
            await admin.create_merchant(MerchantId("late"), "A late one")
            await published_up_to(relay, await newest(primary))
        primary.kill()
    async with server_on(yesterdays, tmp_path / "restored", primary) as restored:
        before = await keys(restored)
        assert before.keys() == {revoked, rotated, kept}
        assert all(each["revoked_at"] is each["expires_at"] is None for each in before.values()), "as they were"
        relay_url = url(restored, database, "relay")
        async with await psycopg.AsyncConnection.connect(relay_url, autocommit=True) as connection:
            await RecoveryAdmin().recover(connection, settings, actor="a test", reason="a disk was lost")
        after = await keys(restored)
        assert after[revoked]["revoked_at"] is not None
        assert after[rotated]["expires_at"].timestamp() == _NOW + _HOUR
        assert after[kept] == before[kept]
        assert after.keys() == before.keys(), "no event has the hash of the successor"
        assert await merchants(restored) == {"shop", "late"}

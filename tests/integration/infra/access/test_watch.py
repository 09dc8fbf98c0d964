"""The keyring follows PostgreSQL: new keys, revoked ones, and an outage."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import psycopg
import pytest
import pytest_asyncio

from domain.access.scopes import MERCHANT_SCOPES
from domain.ids import MerchantId
from event_store.access.admin import AccessAdmin, By, find_key
from event_store.access.secrets import NewSecret, draw_key
from event_store.store import Connection
from infra.access.keyring import ApiKeyring
from infra.access.principal import Principal
from infra.access.watch import KeyWatch
from infra.postgres.pool import DatabaseUnavailable, Pool, create_pool
from infra.settings.http import ApiKey
from query_api.database import create_read_pool
from tests.support.database import Database
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@dataclass(frozen=True, kw_only=True)
class Bench:
    conn: Connection
    admin: AccessAdmin

    async def key(self, *, seconds: int | None = None) -> NewSecret:
        secret, now = draw_key(is_production=False), int(time.time())
        await self.admin.create_key(
            secret,
            merchant_id=MerchantId("shop"),
            scopes=MERCHANT_SCOPES,
            now=now,
            expires_at=None if seconds is None else now + seconds,
        )
        return secret

    async def revoke(self, secret: NewSecret) -> None:
        await self.admin.revoke_key(await find_key(self.conn, secret.prefix))


@pytest_asyncio.fixture
async def bench(database: Database) -> AsyncIterator[Bench]:
    async with await psycopg.AsyncConnection.connect(database.url("access"), autocommit=True) as connection:
        admin = AccessAdmin(connection, By(actor="ops", reason="a test"))
        await admin.create_merchant(MerchantId("shop"), "A shop")
        yield Bench(conn=connection, admin=admin)


async def test_a_new_key_is_taken_and_a_revoked_one_is_not(bench: Bench, pool: Pool) -> None:
    keyring = ApiKeyring([])
    first = await bench.key()
    async with KeyWatch(pool, keyring, interval_s=0.02).running():
        principal = keyring.find(first.key)
        assert isinstance(principal, Principal), "known from the start"
        assert (principal.merchant_id, principal.scopes) == ("shop", MERCHANT_SCOPES)
        assert keyring.find(first.key[:-1] + ("a" if first.key[-1] != "a" else "b")) is None
        second = await bench.key()

        async def found() -> bool:
            return keyring.find(second.key) is not None

        await eventually(found, lambda is_found: is_found)
        await bench.revoke(first)

        async def refused() -> bool:
            return keyring.find(first.key) is None

        await eventually(refused, lambda is_refused: is_refused)
        assert keyring.find(second.key) is not None


async def test_a_look_reads_the_keys_again_only_after_a_change(bench: Bench, pool: Pool) -> None:
    keyring = ApiKeyring([])
    watch = KeyWatch(pool, keyring, interval_s=60)
    await bench.key()
    await watch.look()
    before = keyring._stored
    await watch.look()
    assert keyring._stored is before
    secret = await bench.key()
    await watch.look()
    assert keyring.find(secret.key) is not None
    keyring.take_used()


async def test_a_use_is_noted_by_a_login_that_reads_alone(bench: Bench, database: Database) -> None:
    secret = await bench.key()
    keyring = ApiKeyring([])
    async with create_read_pool(database.url("query"), size=1, timeout_ms=5000) as reading:
        watch = KeyWatch(reading, keyring, interval_s=60)
        await watch.look()
        assert keyring.find(secret.key) is not None
        await watch.record_use()
        recorded = await find_key(bench.conn, secret.prefix)
        assert recorded.last_used_at is not None
        before = keyring._stored
        await watch.look()
        assert keyring._stored is before, "a recorded use is no change"


async def test_a_second_merchant_takes_the_account_from_the_first(bench: Bench, pool: Pool) -> None:
    key = ApiKey.model_validate(
        {"id": "dev", "sha256": "0" * 64, "merchant_id": "shop", "scopes": ["payments:write", "finance:read"]}
    )
    keyring = ApiKeyring([key])
    watch = KeyWatch(pool, keyring, interval_s=60)

    def scopes() -> frozenset[str]:
        (found,) = (principal for _, principal in keyring._known)
        return found.scopes

    assert "finance:read" not in scopes(), "until the merchants are known"
    await watch.look()
    assert scopes() == {"payments:write", "refunds:write", "finance:read"}
    await bench.admin.create_merchant(MerchantId("another"), "Another")
    await watch.look()
    assert scopes() == {"payments:write", "refunds:write"}


async def test_known_keys_outlive_the_database_for_a_bounded_time(bench: Bench, database: Database) -> None:
    secret = await bench.key()
    now = [1000.0]
    keyring = ApiKeyring([], max_age_s=900, clock=lambda: now[0])
    good = create_pool(database.url("app"), size=1, name="test")
    async with good:
        await KeyWatch(good, keyring, interval_s=60).look()
    away = create_pool("postgresql://nobody@127.0.0.1:1/none?connect_timeout=1", size=1, name="test")
    async with away:
        now[0] += 900
        await KeyWatch(away, keyring, interval_s=60).look()
        assert keyring.find(secret.key) is not None
        now[0] += 1
        with pytest.raises(DatabaseUnavailable):
            keyring.find(secret.key)
        assert keyring.find("sk_of_another_kind") is None

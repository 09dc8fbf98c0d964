"""Merchants and keys as an operator manages them, through a login that can do nothing else."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace

import psycopg
import pytest
import pytest_asyncio

from domain.access.scopes import ACCOUNT_SCOPES, MERCHANT_SCOPES
from domain.ids import ApiKeyId, EventId, MerchantId
from event_store.access.admin import AccessAdmin, AccessRefused, By, find_key, list_keys, list_merchants
from event_store.access.log import AccessLog
from event_store.access.secrets import NewSecret, draw_key
from event_store.appends import Append, Appended
from event_store.store import Connection
from infra.access.keyring import PREFIX_CHARS
from infra.ids import uuid7
from schemas.envelope import EventMetadata, NewEvent
from tests.support.database import Database
from tests.support.log_entries import an_append
from tests.support.read_model import load_log

pytestmark = pytest.mark.integration

BY = By(actor="ops@shop.example", reason="contract 17")
SHOP = MerchantId("shop")
NOW = 1_780_000_000


@pytest_asyncio.fixture
async def access(database: Database) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database.url("access"), autocommit=True) as connection:
        yield connection


@pytest_asyncio.fixture
async def admin(access: Connection) -> AccessAdmin:
    made = AccessAdmin(access, BY)
    await made.create_merchant(SHOP, "A shop")
    return made


async def a_key(admin: AccessAdmin, *, merchant_id: MerchantId | None = SHOP, **given: int) -> NewSecret:
    secret = draw_key(is_production=True)
    scopes = MERCHANT_SCOPES if merchant_id else ACCOUNT_SCOPES
    await admin.create_key(secret, merchant_id=merchant_id, scopes=scopes, now=NOW, expires_at=given.get("expires_at"))
    return secret


async def test_a_key_is_stored_as_a_hash_and_told_without_it(
    admin: AccessAdmin, access: Connection, app: Connection
) -> None:
    secret = await a_key(admin)
    assert secret.key.startswith("psk_live_")
    assert secret.prefix == secret.key[:PREFIX_CHARS]
    (found,) = await list_keys(access, beginning=secret.prefix[:13])
    assert (found.merchant_id, set(found.scopes)) == (SHOP, set(MERCHANT_SCOPES))
    (merchant,) = await list_merchants(access)
    assert (merchant.merchant_id, merchant.name, merchant.valid_keys) == (SHOP, "A shop", 1)
    log = await load_log(app)
    assert [each.type for each in log] == ["access.merchant_created", "access.key_created"]
    digest = hashlib.sha256(secret.key.encode()).hexdigest()
    for event in log:
        text = f"{event.data.decode()} {event.metadata}"
        assert secret.key[PREFIX_CHARS:] not in text
        assert digest not in text
        assert (event.metadata.actor, event.metadata.merchant_id) == ("operator:ops@shop.example", SHOP)
    row = await (await app.execute("SELECT sha256 FROM access.api_keys")).fetchone()
    assert row == (digest,)


async def test_a_successor_is_as_the_key_was_and_the_key_ends_later(admin: AccessAdmin, access: Connection) -> None:
    old = await a_key(admin, expires_at=NOW + 1000)
    found = await find_key(access, old.prefix)
    new = draw_key(is_production=True)
    await admin.rotate_key(new, found, now=NOW + 10, valid_for_s=60)
    before, after = await find_key(access, old.prefix), await find_key(access, new.prefix)
    assert before.expires_at is not None
    assert after.expires_at is not None
    assert (before.replaced_by, int(before.expires_at.timestamp())) == (after.key_id, NOW + 70)
    assert (after.scopes, after.merchant_id, int(after.expires_at.timestamp())) == (found.scopes, SHOP, NOW + 1010)
    with pytest.raises(AccessRefused, match="was replaced by"):
        await admin.rotate_key(draw_key(is_production=True), before, now=NOW + 20, valid_for_s=60)
    assert len(await list_keys(access, ended_too=True)) == 2, "a refused rotation leaves no key"


async def test_two_rotations_at_once_make_one_successor(database: Database, admin: AccessAdmin) -> None:
    secret = await a_key(admin)

    async def rotate() -> bool:
        async with await psycopg.AsyncConnection.connect(database.url("access"), autocommit=True) as connection:
            key = await find_key(connection, secret.prefix)
            try:
                await AccessAdmin(connection, BY).rotate_key(draw_key(is_production=True), key, now=NOW, valid_for_s=60)
            except AccessRefused:
                return False
            return True

    assert sorted(await asyncio.gather(rotate(), rotate(), rotate())) == [False, False, True]


async def test_revoking_twice_is_one_event(admin: AccessAdmin, access: Connection, app: Connection) -> None:
    secret = await a_key(admin)
    key = await find_key(access, secret.prefix)
    assert await admin.revoke_key(key)
    assert not await admin.revoke_key(key)
    assert [each.type for each in await load_log(app)][-1] == "access.key_revoked"
    assert sum(each.type == "access.key_revoked" for each in await load_log(app)) == 1
    assert await list_keys(access) == []
    with pytest.raises(AccessRefused, match="was revoked"):
        await admin.rotate_key(draw_key(is_production=True), key, now=NOW, valid_for_s=60)


@pytest.mark.parametrize(
    ("merchant_id", "scope"), [(SHOP, "finance:read"), (SHOP, "admin:write"), (None, "payments:read"), (SHOP, "all")]
)
async def test_a_scope_that_is_not_the_owners_is_refused(
    admin: AccessAdmin, app: Connection, merchant_id: MerchantId | None, scope: str
) -> None:
    with pytest.raises(AccessRefused):
        await admin.create_key(
            draw_key(is_production=False), merchant_id=merchant_id, scopes=frozenset({scope}), now=NOW, expires_at=None
        )
    assert len(await load_log(app)) == 1


async def test_the_database_refuses_such_a_scope_too(access: Connection, admin: AccessAdmin) -> None:
    secret = await a_key(admin)
    with pytest.raises(psycopg.errors.CheckViolation):
        await access.execute("UPDATE access.api_keys SET scopes = '{finance:read}' WHERE prefix = %s", [secret.prefix])


async def test_a_merchant_is_created_once_and_needed_for_a_key(admin: AccessAdmin) -> None:
    with pytest.raises(AccessRefused, match="There is a merchant shop already"):
        await admin.create_merchant(SHOP, "Another")
    with pytest.raises(AccessRefused, match="there is no merchant nobody"):
        await a_key(admin, merchant_id=MerchantId("nobody"))
    for wrong in ("-", "", "a b", "x" * 101, "é"):
        with pytest.raises(AccessRefused, match="A merchant's id"):
            await admin.create_merchant(MerchantId(wrong), "Name")


async def test_keys_that_begin_alike_have_to_be_told_apart(access: Connection, admin: AccessAdmin) -> None:
    first, _ = await a_key(admin), await a_key(admin)
    with pytest.raises(AccessRefused, match="2 keys begin so"):
        await find_key(access, "psk_live_")
    with pytest.raises(AccessRefused, match="there is no key"):
        await find_key(access, "psk_test_")
    key = await find_key(access, first.prefix)
    assert await find_key(access, str(key.key_id)) == key
    assert ApiKeyId(key.key_id)


async def test_who_manages_keys_can_append_nothing_else(access: Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await AccessLog(access).append_many([an_append()])
    for statement in (
        "SELECT * FROM event_store.events",
        "SELECT event_store.append('[]')",
        "DELETE FROM access.api_keys",
        "DELETE FROM access.merchants",
        "UPDATE access.merchants SET name = ''",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await access.execute(statement)


@pytest.mark.parametrize("role", ["app", "query"])
async def test_the_apis_read_keys_and_record_their_use_alone(
    database: Database, admin: AccessAdmin, access: Connection, role: str
) -> None:
    secret = await a_key(admin)
    key = await find_key(access, secret.prefix)
    # The login that reads is read-only by default, which is no right that is missing.
    options = "-c default_transaction_read_only=off"
    url = database.url(role)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, options=options) as connection:
        assert (await (await connection.execute("SELECT count(*) FROM access.api_keys")).fetchone()) == (1,)
        await connection.execute("SELECT access.record_key_use(%s)", [[key.key_id]])
        for statement in (
            "UPDATE access.api_keys SET revoked_at = NULL",
            "UPDATE access.api_keys SET last_used_at = NULL",
            "UPDATE access.revision SET value = gen_random_uuid()",
            "INSERT INTO access.merchants VALUES ('x', 'x')",
            "DELETE FROM access.api_keys",
            "SELECT access.append('[]')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute(statement)
    recorded = await find_key(access, secret.prefix)
    assert recorded.last_used_at is not None
    assert recorded.last_used_at.second == 0
    assert replace(recorded, last_used_at=None) == key


async def test_an_auditor_sees_keys_without_their_hashes(database: Database, admin: AccessAdmin) -> None:
    await a_key(admin)
    async with await psycopg.AsyncConnection.connect(database.url("audit"), autocommit=True) as connection:
        assert (await (await connection.execute("SELECT count(prefix) FROM access.api_keys")).fetchone()) == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute("SELECT sha256 FROM access.api_keys")


async def test_a_key_of_which_a_newer_release_recorded_something_is_revoked(
    access: Connection, admin: AccessAdmin
) -> None:
    secret = await a_key(admin)
    key = await find_key(access, secret.prefix)
    newer = NewEvent(
        event_id=EventId(uuid7()),
        type="access.key_from_the_future",
        schema_version=1,
        data=b"{}",
        metadata=EventMetadata(correlation_id="c", actor="test", merchant_id=SHOP),
    )
    future = Append(stream_id=key.key_id, category="access", merchant_id=SHOP, expected_version=1, events=(newer,))
    async with access.transaction():
        assert isinstance((await AccessLog(access).append_many([future]))[0], Appended)
    with pytest.raises(AccessRefused, match="an event that this release cannot read"):
        await admin.rotate_key(draw_key(is_production=True), key, now=NOW, valid_for_s=60)
    assert len(await list_keys(access)) == 1, "no successor is left behind"
    assert await admin.revoke_key(key)
    assert await list_keys(access) == []

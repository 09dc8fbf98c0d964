"""Personal values on their way into the log and out of it."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import orjson
import psycopg
import pytest

from domain.payment.state import PaymentState
from event_store.appends import Append
from event_store.group_commit import GroupCommit
from event_store.payments import PAYMENT
from event_store.privacy import keyring
from event_store.privacy.cipher import UnknownWrappingKey, WrappedKey, WrappingKeys
from event_store.privacy.erase import Order, erase
from event_store.privacy.keys import ensure_keys
from event_store.privacy.vault import NoVault, Vault
from event_store.store import Connection, append, load
from infra.postgres.pool import create_pool
from schemas.personal import EncryptedValue
from tests.support.database import Database
from tests.support.personal_payments import DESCRIPTION, EMAIL, METADATA, NAME, SUBJECT, USER, a_payment
from tests.support.vaults import METADATA_KEYS, WRAPPING_KEYS, open_test_vault

pytestmark = pytest.mark.integration


async def recorded(connection: Connection, item: Append | None = None) -> UUID:
    item = item or a_payment()
    await append(connection, [item])
    return item.stream_id


async def state_of(connection: Connection, vault: Vault | NoVault, stream_id: UUID) -> PaymentState:
    state = PAYMENT.load(await vault.decrypt(await load(connection, stream_id))).state
    assert state is not None
    return state


async def test_the_log_holds_personal_values_encrypted_alone(encrypting: Connection) -> None:
    stream_id = await recorded(encrypting)
    (event,) = await load(encrypting, stream_id)
    data = orjson.loads(event.data)
    assert EncryptedValue.parse(data["description"]) is not None
    assert EncryptedValue.parse(data["metadata"]["email"]) is not None
    assert EncryptedValue.parse(data["metadata"]["customerName"]) is not None
    assert (data["user_id"], data["metadata"]["order"]) == (USER, METADATA["order"])
    assert not any(text.encode() in event.data for text in (EMAIL, NAME, DESCRIPTION))


async def test_who_has_the_keys_reads_what_was_written(encrypting: Connection, vault: Vault) -> None:
    state = await state_of(encrypting, vault, await recorded(encrypting))
    assert (state.description, state.metadata) == (DESCRIPTION, METADATA)


async def test_who_has_no_keys_sees_that_it_is_encrypted(encrypting: Connection) -> None:
    state = await state_of(encrypting, NoVault(), await recorded(encrypting))
    assert state.description == "[encrypted]"
    assert state.metadata == {"email": "[encrypted]", "customerName": "[encrypted]", "order": "A-1001"}


async def test_what_was_written_before_is_read_as_it_is(app: Connection, vault: Vault) -> None:
    state = await state_of(app, vault, await recorded(app))
    assert (state.description, state.metadata) == (DESCRIPTION, METADATA)


async def test_a_group_commit_encrypts(database: Database, vault: Vault, app: Connection) -> None:
    async with create_pool(database.url("app"), size=2, name="test") as pool:
        appender = GroupCommit(pool, vault=vault)
        items = [a_payment() for _ in range(20)]
        await asyncio.gather(*(appender.append(item) for item in items))
        await appender.close()
    (event,) = await load(app, items[0].stream_id)
    assert EMAIL.encode() not in event.data
    assert (await state_of(app, vault, items[7].stream_id)).description == DESCRIPTION


async def test_a_subject_has_one_key_however_many_ask_at_once(database: Database, officer: Connection) -> None:
    async with open_test_vault(database) as one, open_test_vault(database) as other:
        await asyncio.gather(*(each.encrypt([a_payment()]) for each in (one, other) for _ in range(10)))
    rows = await (await officer.execute("SELECT merchant_id, subject FROM privacy.data_keys")).fetchall()
    assert rows == [("merchant_test", f"user:{USER}")]


async def test_a_payment_without_personal_data_makes_no_key(encrypting: Connection, officer: Connection) -> None:
    await recorded(encrypting, a_payment(description=None, metadata={"order": "A-1"}))
    assert await (await officer.execute("SELECT FROM privacy.data_keys")).fetchall() == []


async def test_what_is_moved_to_another_event_is_not_believed(encrypting: Connection, vault: Vault) -> None:
    one, other = await recorded(encrypting), await recorded(encrypting)
    (event,), (copied,) = await load(encrypting, one), await load(encrypting, other)
    document = orjson.loads(event.data)
    document["description"] = orjson.loads(copied.data)["description"]
    changed = type(event)(**{name: getattr(event, name) for name in event.__slots__} | {"data": orjson.dumps(document)})
    (read,) = await vault.decrypt([changed])
    assert orjson.loads(read.data)["description"] == "[damaged]"
    assert orjson.loads(read.data)["metadata"] == METADATA


async def test_without_its_wrapping_key_nothing_is_written(database: Database, encrypting: Connection) -> None:
    await recorded(encrypting)
    async with open_test_vault(database, keys={"another": bytes(32)}) as stranger:
        with pytest.raises(UnknownWrappingKey):
            await stranger.encrypt([a_payment()])


async def test_only_the_functions_show_keys_to_the_application(app: Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await app.execute("SELECT FROM privacy.data_keys")


async def test_a_known_key_costs_no_round_trip_and_is_forgotten_in_time(
    database: Database, encrypting: Connection, officer: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, calls = [0.0], []

    async def counting(conn: Connection, offered: Sequence[WrappedKey]) -> list[WrappedKey]:
        calls.append(len(offered))
        return await ensure_keys(conn, offered)

    stream_id = await recorded(encrypting)
    monkeypatch.setattr(keyring, "ensure_keys", counting)
    pool = create_pool(database.url("app"), size=2, idle=0, name="test-privacy")
    vault = Vault(pool, WrappingKeys(WRAPPING_KEYS), metadata_keys=METADATA_KEYS, cache_s=5.0, clock=lambda: now[0])
    try:
        for _ in range(100):
            await vault.encrypt([a_payment()])
        assert calls == [1]
        assert (await state_of(encrypting, vault, stream_id)).description == DESCRIPTION
        await erase(officer, Order(subject=SUBJECT, actor="a", reason="r"), metadata_keys=METADATA_KEYS, force=True)
        now[0] = 5.0
        (first, *_) = await vault.decrypt(await load(encrypting, stream_id))
        assert orjson.loads(first.data)["description"] == "[erased]"
        await vault.encrypt([a_payment()])
        assert calls == [1, 1]
    finally:
        await vault.close()

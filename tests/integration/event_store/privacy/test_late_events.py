"""Stripe tells of a payment after its user was erased: that is erased as well, from the moment it is recorded."""

import asyncio
from typing import Any
from uuid import UUID

import orjson
import psycopg
import pytest
from psycopg.rows import TupleRow

from domain.ids import ErasureId, KeyId, PaymentId
from domain.privacy import KeyDestroyed
from event_store.appends import Append
from event_store.payments import load_payment
from event_store.privacy.attached import attach
from event_store.privacy.cipher import WrappedKey, WrappingKeys
from event_store.privacy.erase import Erased, Order, erase
from event_store.privacy.export import exported
from event_store.privacy.keys import ensure_keys, subject_columns
from event_store.privacy.user_data import SQL
from event_store.privacy.vault import Vault
from event_store.store import Connection, append, load
from infra.ids import uuid7
from schemas.envelope import NO_MERCHANT
from schemas.events import PRIVACY_CODEC, STRIPE_EVENT_CODEC
from schemas.events.privacy_events import stream_id_of as privacy_stream_of
from schemas.events.stripe_events import stream_id_of
from schemas.personal import Subject
from schemas.personal.stripe_fields import PAYMENT_ID
from schemas.stripe_webhooks.read import read_listed_event
from tests.support.database import Database
from tests.support.personal_payments import DESCRIPTION, INTENT, NAME, SUBJECT, a_payment, known_to_stripe, meta
from tests.support.vaults import METADATA_KEYS, WRAPPING_KEYS, open_test_vault
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

ORDER = Order(subject=SUBJECT, actor="privacy@shop.example", reason="case 4711")
COLUMNS = "key_id, merchant_id, subject, wrapped, wrapping_key"


async def erased(officer: Connection) -> Erased:
    return await erase(officer, ORDER, metadata_keys=METADATA_KEYS)


async def a_known_payment(connection: Connection) -> UUID:
    item = a_payment()
    await append(connection, [item])
    payment = await load_payment(connection, PaymentId(item.stream_id))
    await append(connection, [known_to_stripe(payment, item.stream_id)])
    return item.stream_id


async def reported(connection: Connection, **stripe_object: Any) -> UUID:
    """Record that Stripe tells of an object, which has a person's data."""
    number = uuid7().hex
    shown = {
        "id": f"evt_{number}",
        "object": "event",
        "type": "charge.dispute.created",
        "created": 1,
        "livemode": False,
        "data": {"object": {"id": f"dp_{number}", "description": DESCRIPTION, **stripe_object}},
    }
    event = read_listed_event(shown)
    stream_id = stream_id_of(event.stripe_event_id)
    item = Append.of(STRIPE_EVENT_CODEC, [event], stream_id=stream_id, expected_version=0, metadata=meta(NO_MERCHANT))
    await append(connection, [item])
    return stream_id


def of_payment(stream_id: UUID) -> dict[str, Any]:
    """Return what leads to a payment by our id."""
    return {"metadata": {PAYMENT_ID: str(stream_id), "name": NAME}}


async def description(connection: Connection, vault: Vault, stream_id: UUID) -> object:
    (event,) = await vault.decrypt(await load(connection, stream_id))
    return orjson.loads(event.data)["payload"]["data"]["object"]["description"]


async def handed_out(database: Database, officer: Connection) -> list[object]:
    """Return the descriptions in what Stripe told, as an export shows them."""
    async with open_test_vault(database, role="erasure") as vault:
        document, _ = await exported(officer, vault, SUBJECT)
    assert NAME.encode() not in orjson.dumps(document["stripe_events"], default=str)
    return [each["data"]["payload"]["data"]["object"]["description"] for each in document["stripe_events"]]


async def keys(officer: Connection) -> list[TupleRow]:
    return await (await officer.execute(f"SELECT {COLUMNS} FROM privacy.data_keys ORDER BY subject")).fetchall()


async def test_what_comes_late_of_an_erased_payment_is_erased(
    encrypting: Connection, officer: Connection, vault: Vault, database: Database
) -> None:
    payment = await a_known_payment(encrypting)
    early = await reported(encrypting, **of_payment(payment))
    assert await description(encrypting, vault, early) == DESCRIPTION
    await erased(officer)
    late = await reported(encrypting, **of_payment(payment))
    assert [await description(encrypting, vault, each) for each in (early, late)] == ["[erased]"] * 2
    assert await handed_out(database, officer) == ["[erased]"] * 2
    assert await keys(officer) == []


async def test_an_id_that_had_no_key_gets_none_either(
    encrypting: Connection, officer: Connection, vault: Vault, database: Database
) -> None:
    await a_known_payment(encrypting)
    await erased(officer)
    async with open_test_vault(database, cache_s=60) as remembering:
        attach(encrypting, remembering)
        late = [await reported(encrypting, payment_intent=INTENT) for _ in range(2)]
        for each in late:
            assert await description(encrypting, remembering, each) == "[erased]"
            assert await description(encrypting, vault, each) == "[erased]"
    assert await handed_out(database, officer) == ["[erased]"] * 2
    assert await keys(officer) == []


@pytest.mark.parametrize("whole", [False, True], ids=["its key alone", "the whole database"])
async def test_what_comes_late_stays_erased_when_its_key_comes_back(
    encrypting: Connection, officer: Connection, vault: Vault, database: Database, whole: bool
) -> None:
    """As a backup of before the erasure brings it back, and recovery the rest of the log."""
    payment = await a_known_payment(encrypting)
    early = await reported(encrypting, **of_payment(payment))
    kept = await keys(officer)
    assert len(kept) == 2
    await erased(officer)
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        for row in kept:
            await owner.execute(f"INSERT INTO privacy.data_keys ({COLUMNS}) VALUES (%s, %s, %s, %s, %s)", row)
        if whole:
            await owner.execute("DELETE FROM privacy.erased_subjects")
    late = await reported(encrypting, **of_payment(payment))
    assert [await description(encrypting, vault, each) for each in (early, late)] == ["[erased]"] * 2
    assert await handed_out(database, officer) == ["[erased]"] * 2
    assert await keys(officer) == kept


async def test_what_stripe_tells_of_a_new_payment_is_read(
    encrypting: Connection, officer: Connection, vault: Vault
) -> None:
    await a_known_payment(encrypting)
    await erased(officer)
    payment = await a_known_payment(encrypting)
    event = await reported(encrypting, **of_payment(payment))
    requested, *_ = await vault.decrypt(await load(encrypting, payment))
    assert orjson.loads(requested.data)["description"] == DESCRIPTION
    assert await description(encrypting, vault, event) == DESCRIPTION


async def test_what_stripe_tells_of_others_is_read(encrypting: Connection, officer: Connection, vault: Vault) -> None:
    await a_known_payment(encrypting)
    await erased(officer)
    items = [await reported(encrypting), await reported(encrypting, **of_payment(uuid7()))]
    assert [await description(encrypting, vault, each) for each in items] == [DESCRIPTION] * 2


async def test_erasing_twice_burns_nothing_more(encrypting: Connection, officer: Connection) -> None:
    payment = await a_known_payment(encrypting)
    await reported(encrypting, **of_payment(payment))
    first = await erased(officer)
    await reported(encrypting, **of_payment(payment))
    again = await erased(officer)
    assert len(first.receipt.keys) == 3, "the user's, the payment's, and the one for what comes later"
    assert again.receipt.keys == ()


async def test_a_key_that_is_made_meanwhile_is_burned(
    encrypting: Connection, officer: Connection, vault: Vault, database: Database
) -> None:
    payment = await a_known_payment(encrypting)
    offered = WrappingKeys(WRAPPING_KEYS).new_key(KeyId(uuid7()), Subject.stripe(str(payment)))
    async with await psycopg.AsyncConnection.connect(database.url("app")) as maker:
        assert await ensure_keys(maker, [offered]) == [offered]
        erasing = asyncio.create_task(erased(officer))
        await waits(database, officer)
        assert await load(encrypting, privacy_stream_of(SUBJECT)) == []
        await maker.commit()
    done = await erasing
    assert offered.key_id in done.receipt.keys
    assert await description(encrypting, vault, await reported(encrypting, **of_payment(payment))) == "[erased]"


async def test_who_makes_a_key_waits_for_an_erasure(officer: Connection, database: Database) -> None:
    subject, later_key = Subject.stripe("pi_1"), KeyId(uuid7())
    offered = WrappingKeys(WRAPPING_KEYS).new_key(KeyId(uuid7()), subject)

    async def made(maker: Connection) -> list[WrappedKey]:
        return await ensure_keys(maker, [offered])

    async with await psycopg.AsyncConnection.connect(database.url("app"), autocommit=True) as maker:
        async with officer.transaction():
            await officer.execute(SQL.erase_subjects, {"key_id": later_key, **subject_columns([subject])})
            await officer.execute(SQL.hold_subjects, subject_columns([subject]))
            await officer.execute(SQL.take_keys, subject_columns([subject]))
            making = asyncio.create_task(made(maker))
            await waits(database, maker)
            burned = KeyDestroyed(key_id=later_key, erasure_id=ErasureId(uuid7()))
            item = Append.of(PRIVACY_CODEC, [burned], stream_id=later_key, expected_version=0, metadata=meta())
            await append(officer, [item])
        assert await making == []
    assert await keys(officer) == []


async def waits(database: Database, connection: Connection) -> None:
    """Wait until a connection waits for another's lock."""
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:

        async def blocking() -> list[TupleRow]:
            query = "SELECT 1 WHERE cardinality(pg_blocking_pids(%s)) > 0"
            return await (await owner.execute(query, [connection.info.backend_pid])).fetchall()

        await eventually(blocking)


@pytest.mark.parametrize("role", ["app", "projector", "query"])
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT FROM privacy.erased_subjects",
        "INSERT INTO privacy.erased_subjects VALUES ('-', 'stripe:pi_1', gen_random_uuid())",
        "DELETE FROM privacy.erased_subjects",
    ],
)
async def test_only_who_erases_notes_what_is_erased(database: Database, role: str, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(database.url(role), autocommit=True) as connection:
        await connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute(statement)


async def test_who_erases_takes_no_erasure_back(officer: Connection) -> None:
    for statement in ("DELETE FROM privacy.erased_subjects", "UPDATE privacy.erased_subjects SET subject = 'stripe:x'"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await officer.execute(statement)

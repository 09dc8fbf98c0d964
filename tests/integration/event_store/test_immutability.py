"""Nobody changes what is written, and the application's roles have one way in."""

import json
from dataclasses import replace

import psycopg
import pytest

from event_store.appends import Appended, EventNotStorable
from event_store.store import Connection, append
from tests.support.database import Database
from tests.support.log_entries import an_append, new_event

pytestmark = pytest.mark.integration

CHANGES = (
    "UPDATE event_store.events SET type = 'altered'",
    "DELETE FROM event_store.events",
    "TRUNCATE event_store.events",
    "UPDATE event_store.events_p000000 SET type = 'altered'",
    "DELETE FROM event_store.events_p000000",
    "TRUNCATE event_store.events_p000000",
    "TRUNCATE event_store.events_default",
)
INSERT_EVENT = """
INSERT INTO event_store.events
       (event_id, stream_id, version, category, type, schema_version, data, metadata, recorded_at)
VALUES (gen_random_uuid(), gen_random_uuid(), 1, 'c', 't', 1, '{}', '{}', now())
"""
BACK_DOORS = (
    INSERT_EVENT,
    "UPDATE event_store.streams SET version = version + 1",
    "DELETE FROM event_store.streams",
    "INSERT INTO event_store.idempotency_keys VALUES ('m', 'k', 'f', 201, '{}', gen_random_uuid(), 1, now())",
    "DELETE FROM event_store.idempotency_keys",
    "SELECT setval('event_store.event_position', 1)",
    "DROP TRIGGER events_append_only ON event_store.events",
    "ALTER TABLE event_store.events DISABLE TRIGGER ALL",
)


@pytest.mark.parametrize("statement", CHANGES)
@pytest.mark.parametrize("role", ["owner", "app", "projector", "query"])
async def test_no_role_changes_an_event(database: Database, app: Connection, role: str, statement: str) -> None:
    item = an_append()
    await append(app, [item])
    await app.commit()
    async with await psycopg.AsyncConnection.connect(database.url(role), autocommit=True) as connection:
        await connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute(statement)
    rows = await (await app.execute("SELECT type FROM event_store.events")).fetchall()
    assert rows == [("test.happened",)]


@pytest.mark.parametrize("statement", BACK_DOORS)
@pytest.mark.parametrize("role", ["app", "projector", "query"])
async def test_an_application_role_has_no_other_way_in(database: Database, role: str, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(database.url(role), autocommit=True) as connection:
        await connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute(statement)


@pytest.mark.parametrize("role", ["projector", "query"])
async def test_only_the_application_role_may_append(database: Database, role: str) -> None:
    async with await psycopg.AsyncConnection.connect(database.url(role)) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await append(connection, [an_append()])


async def test_the_query_role_cannot_read_the_log(database: Database) -> None:
    async with await psycopg.AsyncConnection.connect(database.url("query")) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute("SELECT FROM event_store.events")


async def test_partitions_are_made_ahead_and_protected_like_the_first(database: Database, app: Connection) -> None:
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute("SELECT setval('event_store.event_position', 39999999)")
        await owner.execute("SELECT event_store.ensure_partitions()")
        items = [an_append(), an_append()]
        await append(app, items)
        await app.commit()
        rows = await owner.execute("SELECT tableoid::regclass::text FROM event_store.events ORDER BY position")
        assert [name for (name,) in await rows.fetchall()] == ["event_store.events_p000004"] * 2
        for change in ("TRUNCATE event_store.events_p000004", "DELETE FROM event_store.events_p000004"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await owner.execute(change)


EVENT = {
    "event_id": "00000000-0000-7000-8000-000000000001",
    "type": "test.happened",
    "schema_version": 1,
    "data": {},
    "metadata": {},
}
STREAM = {"stream_id": "00000000-0000-7000-8000-000000000002", "category": "c", "merchant_id": "m"}


@pytest.mark.parametrize(
    "change",
    [
        *({"data": None}, {"data": []}, {"data": "text"}, {"data": 1}, {"data": True}),
        *({"metadata": None}, {"metadata": []}, {"metadata": "text"}, {"metadata": 1}, {"metadata": True}),
        *({"type": ""}, {"type": None}, {"schema_version": 0}, {"schema_version": None}, {"event_id": None}),
        *({"merchant_id": ""}, {"category": ""}, {"merchant_id": None}),
    ],
)
async def test_what_is_no_event_is_not_appended(app: Connection, change: dict[str, object]) -> None:
    event = {name: change.get(name, value) for name, value in EVENT.items()}
    stream = {name: change.get(name, value) for name, value in STREAM.items()}
    appends = json.dumps([stream | {"expected_version": 0, "events": [event], "idempotency": None}])
    with pytest.raises((psycopg.errors.IntegrityError, psycopg.DataError)):
        await app.execute("SELECT * FROM event_store.append(%s)", [appends])


async def test_a_null_character_is_refused_by_its_name(app: Connection) -> None:
    named, literal = new_event({"note": "a\0b"}), new_event({"note": "a\\u0000b"})
    item = an_append()
    with pytest.raises(EventNotStorable, match=r"test\.happened cannot be stored: .* U\+0000"):
        await append(app, [replace(item, events=(named,))])
    with pytest.raises(EventNotStorable, match=r"U\+0000"):
        await append(app, [replace(item, events=(replace(literal, metadata=replace(literal.metadata, actor="\0")),))])
    for data in (b"null", b"[]", b'"text"', b"1", b""):
        with pytest.raises(EventNotStorable, match="no JSON object"):
            await append(app, [replace(item, events=(replace(literal, data=data),))])
    (result,) = await append(app, [replace(item, events=(literal,))])
    assert isinstance(result, Appended)


@pytest.mark.parametrize("ahead", ["11", "1000", "2147483647", "-1", "NULL"])
async def test_a_relay_makes_few_partitions_ahead(database: Database, ahead: str) -> None:
    async with await psycopg.AsyncConnection.connect(database.url("relay")) as relay:
        await relay.execute("SELECT event_store.ensure_partitions(10)")
        with pytest.raises(psycopg.DataError, match="0 to 10 ahead"):
            await relay.execute(f"SELECT event_store.ensure_partitions({ahead})")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT lo_create(0)",
        "SELECT lo_creat(-1)",
        "SELECT lo_from_bytea(0, 'x')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT lo_open(1, 131072)",
        "SELECT lo_put(1, 0, 'x')",
        "SELECT lowrite(0, 'x')",
        "SELECT lo_unlink(1)",
        "CREATE TABLE public.mine ()",
        "SELECT FROM public.alembic_version",
    ],
)
@pytest.mark.parametrize("role", ["app", "projector", "query"])
async def test_a_role_keeps_nothing_of_its_own(database: Database, role: str, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(database.url(role), autocommit=True) as connection:
        await connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute(statement)


@pytest.mark.parametrize("role", ["app", "projector", "query"])
@pytest.mark.parametrize("other", ["postgres", "template1"])
async def test_a_role_connects_to_no_other_database(database: Database, role: str, other: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        await psycopg.AsyncConnection.connect(database.url(role), dbname=other)

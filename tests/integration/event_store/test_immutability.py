"""Nobody changes what is written, and the application's roles have one way in."""

import psycopg
import pytest

from event_store.store import Connection, append
from tests.support.database import Database
from tests.support.log_entries import an_append

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
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute(statement)
    rows = await (await app.execute("SELECT type FROM event_store.events")).fetchall()
    assert rows == [("test.happened",)]


@pytest.mark.parametrize("statement", BACK_DOORS)
@pytest.mark.parametrize("role", ["app", "projector", "query"])
async def test_an_application_role_has_no_other_way_in(database: Database, role: str, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(database.url(role), autocommit=True) as connection:
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

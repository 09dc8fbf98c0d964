"""`paystream doctor` tries an append: it leaves nothing, and what refuses an append is an error with its remedy."""

from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio

from infra.doctor.finding import Finding, Status
from infra.doctor.postgres import checks
from infra.doctor.postgres.appending import try_append
from infra.postgres.pool import Connection
from tests.support.database import Database
from tests.support.payment_histories import events_of, paid, request_payment
from tests.support.read_model import load_log, store

pytestmark = pytest.mark.integration

_LEFT = """
SELECT (SELECT last_value FROM event_store.event_position), (SELECT count(*) FROM event_store.append_trial),
       pg_relation_size('event_store.append_trial'), (SELECT count(*) FROM event_store.events)
"""


@pytest_asyncio.fixture
async def owner(database: Database) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as connection:
        yield connection


async def tried(database: Database, role: str = "app") -> Finding | None:
    async with await psycopg.AsyncConnection.connect(
        database.url(role), autocommit=True, options="-c statement_timeout=1000"
    ) as connection:
        return await try_append(connection, checks._QUERIES, role)


async def refusal(database: Database) -> tuple[str, str]:
    found = await tried(database)
    assert found is not None
    assert found.status is Status.ERROR
    return found.detail, str(found.remedy)


async def test_it_leaves_nothing_and_uses_no_position(database: Database, owner: Connection, app: Connection) -> None:
    request = request_payment()
    await store(app, [(request.payment_id, events_of(paid(request)))])
    before = await (await owner.execute(_LEFT)).fetchone()
    found = await tried(database)
    assert found is not None
    assert (found.status, found.detail.startswith("possible: app ")) == (Status.OK, True)
    async with await psycopg.AsyncConnection.connect(database.url("app"), autocommit=True) as connection:
        await connection.execute("SELECT event_store.try_append()")  # whoever commits it
    assert await (await owner.execute(_LEFT)).fetchone() == before
    assert await load_log(app)


async def test_a_login_that_may_not_append_does_not_try(database: Database) -> None:
    assert await tried(database, "query") is None
    assert await tried(database, "projector") is None


async def test_a_full_disk_is_an_error(database: Database, owner: Connection) -> None:
    await owner.execute(
        "CREATE FUNCTION public.full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION"
        " 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$"
    )
    await owner.execute(
        "CREATE TRIGGER full_disk BEFORE INSERT ON event_store.append_trial EXECUTE FUNCTION public.full()"
    )
    detail, remedy = await refusal(database)
    assert detail == "refused to app: could not extend file: No space left on device"
    assert remedy.startswith("Make room on the disk of PostgreSQL")


async def test_a_closed_log_is_an_error(database: Database, owner: Connection) -> None:
    await owner.execute("SELECT event_store.close_log('it is younger')")
    detail, remedy = await refusal(database)
    assert detail == "refused to app: the log is closed: it is younger"
    assert "paystream recover" in remedy


async def test_a_database_that_takes_no_writes_is_an_error(database: Database, owner: Connection) -> None:
    await owner.execute(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    detail, remedy = await refusal(database)
    assert "read-only transaction" in detail
    assert "default_transaction_read_only" in remedy


async def test_a_log_that_somebody_keeps_locked_is_an_error(database: Database, owner: Connection) -> None:
    async with owner.transaction():
        await owner.execute("LOCK TABLE event_store.streams IN SHARE MODE")
        detail, remedy = await refusal(database)
    assert "statement timeout" in detail
    assert "pg_locks" in remedy


async def test_before_the_migration_it_is_skipped(database: Database, owner: Connection) -> None:
    await owner.execute("DROP FUNCTION event_store.try_append()")
    found = await tried(database)
    assert found is not None
    assert (found.status, "see the migrations" in found.detail) == (Status.SKIPPED, True)

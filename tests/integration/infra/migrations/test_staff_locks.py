"""Migrations 0054 and 0056 on a database whose log has locks of staff and ends of sessions, up and down."""

from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio

from domain.access.events import StaffEvent, StaffLocked, StaffSessionsEnded, StaffUnlocked
from domain.access.staff import staff_stream
from domain.ids import EventId
from event_store.appends import Append
from event_store.store import _append_json
from infra.embedded.databases import create_database, drop_database
from infra.embedded.postgres import PostgresServer
from infra.ids import uuid7
from infra.migrations.runner import downgrade, upgrade
from infra.postgres.pool import Connection
from schemas.envelope import NO_MERCHANT
from schemas.events import STAFF_CODEC
from tests.support.log_entries import metadata

pytestmark = pytest.mark.integration

NAME = "migrate_staff_locks"
BEFORE, AFTER = "0052", "0054"


@pytest_asyncio.fixture
async def url(session_postgres: PostgresServer) -> AsyncIterator[str]:
    yield await create_database(session_postgres, NAME)
    await drop_database(session_postgres, NAME)


async def record(conn: Connection, *events: StaffEvent) -> None:
    about = metadata(merchant_id=NO_MERCHANT)
    append = Append(
        stream_id=staff_stream(events[0].name),
        category="access",
        merchant_id=NO_MERCHANT,
        expected_version=0,
        events=tuple(STAFF_CODEC.encode(each, event_id=EventId(uuid7()), metadata=about) for each in events),
    )
    await conn.execute("SELECT event_store.append(%s::jsonb)", [f"[{_append_json(append)}]"])


async def followed(conn: Connection) -> list[tuple[str, bool, str, bool]]:
    """Make the rows from the log anew; return them, with whether they name an event that locks."""
    await conn.execute("DELETE FROM access.staff_locks")
    await conn.execute("SELECT event_store.follow_access(0)")
    rows = await conn.execute(
        "SELECT l.name, l.is_locked, l.reason, e.type = 'access.staff_locked' FROM access.staff_locks l"
        " JOIN event_store.events e ON e.position = l.lock_position ORDER BY l.name"
    )
    return await rows.fetchall()


async def test_locks_are_made_from_the_log_after_each_upgrade(url: str) -> None:
    upgrade(url, AFTER)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        locked = StaffLocked(name="Anna", actor="api:k/olga", reason="a lost laptop")
        unlocked = StaffUnlocked(name="anna", actor="api:k/olga", reason="it was found")
        await record(conn, locked, unlocked)
        await record(conn, StaffLocked(name="bo", actor="api:k/olga", reason="left the company"))
        for _ in range(2):
            assert await followed(conn) == [
                ("anna", False, "it was found", True),
                ("bo", True, "left the company", True),
            ]
            downgrade(url, BEFORE)
            await conn.execute("SELECT event_store.follow_access(0)")
            gone = await (await conn.execute("SELECT to_regclass('access.staff_locks')")).fetchone()
            assert gone == (None,)
            upgrade(url, AFTER)


async def test_ends_of_sessions_are_made_from_the_log_and_change_no_lock(url: str) -> None:
    upgrade(url, "0056")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        by = "api:k/olga"
        locked = StaffLocked(name="bo", actor=by, reason="left the company")
        await record(conn, StaffSessionsEnded(name="anna", actor=by, reason="an open browser"))
        await record(conn, locked, StaffSessionsEnded(name="bo", actor=by, reason="an open browser"))
        await conn.execute("DELETE FROM access.staff_locks")
        await conn.execute("SELECT event_store.follow_access(0)")
        rows = await conn.execute(
            "SELECT l.name, l.is_locked, e.type FROM access.staff_locks l"
            " JOIN event_store.events e ON e.position = l.lock_position ORDER BY l.name"
        )
        ended = "access.staff_sessions_ended"
        assert await rows.fetchall() == [("anna", False, ended), ("bo", True, ended)]
        downgrade(url, "0055")
        assert await followed(conn) == [("bo", True, "left the company", True)]
        upgrade(url, "0056")

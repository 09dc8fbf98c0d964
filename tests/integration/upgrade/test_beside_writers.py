"""Migrations run beside processes that append and read: nobody waits long, whatever else holds the tables.

The processes of 0.2 and before as a whole cannot run beside the migrations after it (docs/runbooks/upgrade.md), and
there is no code of them here. What can be shown is what their processes did all the time: the statements that append to
the log and read it, as the release had them, by the logins of the processes, on the data that it left.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, LiteralString

import psycopg
import pytest
import pytest_asyncio
from alembic.script import ScriptDirectory
from structlog.testing import capture_logs

from event_store.appends import Appended
from event_store.store import _append_json, append, load
from infra.embedded.databases import create_database, drop_database
from infra.embedded.postgres import PostgresServer
from infra.migrations import runner
from infra.migrations.runner import head_revision, upgrade
from infra.postgres.pool import Connection
from tests.integration.upgrade.fixture_files import Fixture, committed
from tests.integration.upgrade.restored import belong_here, restore_database
from tests.support.database import Database
from tests.support.log_entries import an_append
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]

LONGEST_WAIT_MS = 1000
NEWEST = max(committed(), key=lambda each: tuple(map(int, each.version.split("."))))
# An append of 0.1 knew of no position, and a load read the table: both ask for more since migration 0016.
HAS_INCARNATION = "0016"
APPEND_OF_0_1: LiteralString = """
SELECT ordinal, outcome, version, position, fingerprint, status, response FROM event_store.append(%s::jsonb)
"""
LOAD_OF_0_1: LiteralString = """
SELECT position, event_id, stream_id, version, category, type, schema_version, data::text, metadata, recorded_at
  FROM event_store.events WHERE stream_id = ANY (%s::uuid[]) ORDER BY stream_id, version
"""
TABLES: LiteralString = """
SELECT format('LOCK TABLE %I.%I IN ACCESS SHARE MODE', n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND n.nspname IN ('event_store', 'consumers')
"""


@pytest.fixture
def release(request: pytest.FixtureRequest) -> Fixture:
    """The last one, unless the test names another."""
    found: Fixture = getattr(request, "param", NEWEST)
    return found


@pytest_asyncio.fixture
async def left_behind(release: Fixture, session_postgres: PostgresServer) -> AsyncIterator[Database]:
    """The release's database, with its data and at its revision."""
    name = f"beside_writers_{release.version}"
    url = await create_database(session_postgres, name)
    try:
        await asyncio.to_thread(restore_database, url, release)
        if has_incarnation(release):
            await belong_here(url)
        yield Database(server=session_postgres, name=name)
    finally:
        await drop_database(session_postgres, name)


@dataclass
class Work:
    """What a process did meanwhile."""

    done: int = 0
    failures: list[str] = field(default_factory=list)


def has_incarnation(release: Fixture) -> bool:
    """Whether its log knew on which server it was."""
    return release.manifest.revision >= HAS_INCARNATION


@asynccontextmanager
async def working(database: Database, release: Fixture) -> AsyncIterator[dict[str, Work]]:
    """Append and read as a release did, by its processes' logins; each statement waits for a lock for a second."""
    appending, loading = (append_one, load_one) if has_incarnation(release) else (append_as_0_1, load_as_0_1)
    stop = asyncio.Event()
    works = {"append": Work(), "load": Work(), "read": Work()}
    async with asyncio.TaskGroup() as group:
        group.create_task(again_and_again(database, "app", appending, works["append"], stop))
        group.create_task(again_and_again(database, "app", loading, works["load"], stop))
        group.create_task(again_and_again(database, "projector", read_log, works["read"], stop))
        await eventually(lambda: counts(works), all)
        try:
            yield works
        finally:
            stop.set()


async def counts(works: dict[str, Work]) -> list[int]:
    return [each.done for each in works.values()]


async def again_and_again(database: Database, role: str, what: Any, work: Work, stop: asyncio.Event) -> None:
    async with await psycopg.AsyncConnection.connect(database.url(role)) as connection:
        await connection.execute(f"SET lock_timeout = {LONGEST_WAIT_MS}")
        await connection.commit()
        while not stop.is_set():
            try:
                await what(connection)
                await connection.commit()
                work.done += 1
            except psycopg.Error as error:
                work.failures.append(f"{type(error).__name__}: {error}")
                await connection.rollback()
            await asyncio.sleep(0.005)


async def append_one(connection: Connection) -> None:
    (result,) = await append(connection, [an_append()])
    assert isinstance(result, Appended), result


async def load_one(connection: Connection) -> None:
    await load(connection, an_append().stream_id)


async def append_as_0_1(connection: Connection) -> None:
    cursor = await connection.execute(APPEND_OF_0_1, [f"[{_append_json(an_append())}]"])
    assert [row[1] for row in await cursor.fetchall()] == ["appended"]


async def load_as_0_1(connection: Connection) -> None:
    await connection.execute(LOAD_OF_0_1, [[an_append().stream_id]])


async def read_log(connection: Connection) -> None:
    await connection.execute("SELECT position, type, data FROM event_store.events ORDER BY position DESC LIMIT 10")


def later_than(revision: str) -> list[str]:
    """Return the revisions after one, in their order."""
    scripts = ScriptDirectory.from_config(runner._config()).iterate_revisions("head", revision)
    return [each.revision for each in scripts][::-1]


async def all_go_on(works: dict[str, Work], since: list[int]) -> bool:
    """Whether each has done more than then."""
    return all(now > then for now, then in zip(await counts(works), since, strict=True))


def failures(works: dict[str, Work]) -> dict[str, list[str]]:
    """Return what failed, by who did it."""
    return {name: work.failures for name, work in works.items() if work.failures}


async def has_waited(logs: list[Any], times: int) -> bool:
    """Whether the migration found a table taken that often."""
    return [line["event"] for line in logs].count("migration_waits_for_a_table") >= times


@pytest.mark.parametrize("release", committed(), ids=lambda each: f"from {each.version}", indirect=True)
async def test_appends_and_reads_go_on_beside_every_migration_since(left_behind: Database, release: Fixture) -> None:
    revisions = later_than(release.manifest.revision)
    assert revisions[-1] == head_revision()
    async with working(left_behind, release) as works:
        for revision in revisions:
            before = await counts(works)
            await asyncio.to_thread(upgrade, left_behind.url("owner"), revision)
            await eventually(partial(all_go_on, works, before))
            assert failures(works) == {}, revision


async def test_who_keeps_a_table_keeps_a_migration_waiting_and_nobody_else(
    left_behind: Database, release: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_TRY_AGAIN_S", 0.5)
    url = left_behind.url("owner")
    async with working(left_behind, release) as works, await psycopg.AsyncConnection.connect(url) as reader:
        for (statement,) in await (await reader.execute(TABLES)).fetchall():
            await reader.execute(statement)
        with capture_logs() as logs:
            migrating = asyncio.create_task(asyncio.to_thread(upgrade, url))
            for times in (1, 2, 3):
                await eventually(partial(has_waited, logs, times))
                await eventually(partial(all_go_on, works, await counts(works)))
            assert not migrating.done()
            await reader.rollback()
            await migrating
    assert failures(works) == {}

"""A process that is frozen in the middle of a transaction, and readers that hold one open, stop nobody for long."""

import asyncio
import time
import uuid

import psycopg
import pytest

from event_store.appends import Appended
from event_store.group_commit import GroupCommit
from event_store.store import append
from event_store.tail import Tail
from infra.postgres.pool import DatabaseUnavailable, Pool, create_pool
from tests.support.database import Database
from tests.support.log_entries import an_append
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@pytest.mark.slow
async def test_a_writer_frozen_inside_its_transaction_is_put_out_by_the_database(database: Database) -> None:
    stream = uuid.uuid4()
    url = database.url("app")
    async with (
        create_pool(url, size=1, name="frozen") as frozen_pool,
        create_pool(url, size=4, name="api") as pool,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as reading,
    ):
        appender = GroupCommit(pool)
        await appender.append(an_append(stream))
        frozen = await frozen_pool.getconn()
        await append(frozen, [an_append(stream, 1)])  # and never commits: the process stands still
        blocked = asyncio.create_task(appender.append(an_append(stream, 1)))
        await eventually(lambda: _waits_for_a_lock(database))
        others = [asyncio.create_task(appender.append(an_append())) for _ in range(20)]
        results = await asyncio.wait_for(asyncio.gather(blocked, *others), 8)
        assert all(isinstance(result, Appended) for result in results)

        tail, seen = Tail(), list[int]()

        async def read() -> int:
            seen.extend(event.position for event in await tail.read(reading))
            return len(seen)

        await eventually(read, lambda count: count == 22)
        await frozen_pool.putconn(frozen)


async def test_what_a_thawed_process_gets_is_an_outage_that_passes(database: Database) -> None:
    url = f"{database.url('app')}?options=-c%20idle_in_transaction_session_timeout%3D200"
    async with create_pool(url, size=1, name="thawed") as pool:
        with pytest.raises(DatabaseUnavailable):
            await _freeze_inside_a_transaction(pool, url)
        async with pool.connection() as connection:
            await connection.execute("SELECT 1")


async def _freeze_inside_a_transaction(pool: Pool, url: str) -> None:
    async with pool.connection() as connection:
        await connection.execute("SELECT pg_current_xact_id()")
        _hang_until_terminated(url, connection.info.backend_pid)
        await connection.execute("SELECT 1")


def _hang_until_terminated(url: str, backend: int) -> None:
    """Let nothing else of this process run, loop and all, until the database has ended the connection."""
    with psycopg.connect(url, autocommit=True) as watching:
        while watching.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [backend]).fetchone() is not None:
            time.sleep(0.01)


async def _waits_for_a_lock(database: Database) -> bool:
    # Of the connections of another login the application sees nothing.
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as conn:
        cursor = await conn.execute(
            "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(await cursor.fetchall())


async def test_making_partitions_behind_a_long_reader_does_not_stop_appends(database: Database) -> None:
    url = database.url("app")
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute("SELECT setval('event_store.event_position', 15000000)")
    async with (
        await psycopg.AsyncConnection.connect(url) as reader,
        await psycopg.AsyncConnection.connect(database.url("relay"), autocommit=True) as relay,
        await psycopg.AsyncConnection.connect(url) as writer,
    ):
        await reader.execute("SELECT FROM event_store.events LIMIT 1")  # an audit, a dump: open for hours
        making = asyncio.create_task(relay.execute("SELECT event_store.ensure_partitions()"))
        await eventually(lambda: _waits_for_a_lock(database))
        (result,) = await asyncio.wait_for(append(writer, [an_append()]), 3)
        assert isinstance(result, Appended)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await making

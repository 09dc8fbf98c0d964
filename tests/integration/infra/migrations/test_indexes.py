"""Indexes of large tables are built while the tables are written, and by one of several who migrate at once."""

import asyncio

import psycopg
import pytest

from infra.migrations.runner import downgrade, upgrade
from tests.support.database import Database

pytestmark = pytest.mark.integration

INDEXES = """
SELECT c.relname, i.indisvalid AND i.indisunique
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
 WHERE c.relname LIKE 'events_p%_event_id'
"""


async def indexes(database: Database) -> dict[str, bool]:
    async with await psycopg.AsyncConnection.connect(database.url("owner")) as connection:
        return dict(await (await connection.execute(INDEXES)).fetchall())


async def test_partitions_of_before_get_their_index_by_one_of_two_at_once(database: Database) -> None:
    await asyncio.to_thread(downgrade, database.url("owner"), "0015")
    assert await indexes(database) == {}
    await asyncio.gather(*(asyncio.to_thread(upgrade, database.url("owner")) for _ in range(2)))
    found = await indexes(database)
    async with await psycopg.AsyncConnection.connect(database.url("owner")) as connection:
        row = await (await connection.execute("SELECT count(*) FROM event_store.events_default")).fetchone()
        partitions = await connection.execute(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'event_store.events'::regclass"
        )
        (count,) = await partitions.fetchone() or (0,)
    assert row == (0,)
    assert len(found) == count - 1  # but for the default one, which holds nothing
    assert all(found.values())


async def test_an_index_that_was_left_half_built_is_built_again(database: Database) -> None:
    await asyncio.to_thread(downgrade, database.url("owner"), "0018")
    (name, *_) = sorted(await indexes(database))
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as connection:
        await connection.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [f"event_store.{name}"]
        )
    await asyncio.to_thread(upgrade, database.url("owner"))
    assert (await indexes(database))[name]

"""A reader that outlives crashes of the server loses nothing, repeats nothing and inverts no stream."""

import asyncio
from pathlib import Path

import psycopg
import pytest

from event_store.store import Connection
from event_store.tail import Tail
from infra.embedded.postgres import PostgresServer
from schemas.envelope import RecordedEvent
from tests.integration.event_store.log_writers import LogWriters, assert_exact
from tests.support.database import Database, fresh_database, postgres_server
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(120)]

CRASHES = 3
BETWEEN_TWO = 300  # positions


class Reader:
    """Reads with one tail over as many connections as it takes."""

    def __init__(self, database: Database) -> None:
        self._url = database.url("app")
        self.tail = Tail()
        self.seen: list[RecordedEvent] = []

    async def run(self, done: asyncio.Event) -> None:
        """Read until all is written and read, also when the server is away for a while."""
        all_read = False
        while not all_read:
            try:
                async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
                    while not all_read:
                        all_read = await self._read(connection, all_written=done.is_set())
            except psycopg.OperationalError:
                await asyncio.sleep(0.02)

    async def _read(self, connection: Connection, *, all_written: bool) -> bool:
        emitted = await self.tail.read(connection, limit=20)
        self.seen += emitted
        return all_written and not emitted and not self.tail.waits


async def crash(server: PostgresServer, reader: Reader) -> None:
    """Kill the server in the middle of the work, again and again, and start it."""
    for number in range(1, CRASHES + 1):
        await eventually(lambda: _reached(reader, number * BETWEEN_TWO), within=30)  # noqa: B023 - awaited in the loop
        server.kill()
        await server.start()
        await server.wait_ready()


async def _reached(reader: Reader, position: int) -> bool:
    return reader.tail.cursor >= position


async def test_what_a_reader_keeps_over_crashes_of_the_server_is_exact(tmp_path: Path) -> None:
    async with postgres_server(tmp_path) as server, fresh_database(server) as database:
        done, readers = asyncio.Event(), [Reader(database) for _ in range(2)]
        async with asyncio.TaskGroup() as group:
            for reader in readers:
                group.create_task(reader.run(done))
            crashing = group.create_task(crash(server, readers[0]))
            await group.create_task(LogWriters(database, seed=20261128).run())
            await crashing
            done.set()
        async with await psycopg.AsyncConnection.connect(database.url("app")) as connection:
            rows = await connection.execute("SELECT position FROM event_store.events ORDER BY position")
            written = [position for (position,) in await rows.fetchall()]
        assert written[-1] > CRASHES * BETWEEN_TWO
        for reader in readers:
            assert_exact(reader.seen, written)

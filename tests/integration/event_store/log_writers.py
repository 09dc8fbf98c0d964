"""What the tests of the log's reader share: writers, a forgotten transaction, and what must hold afterwards."""

import asyncio
import random
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from event_store.appends import Appended, VersionConflict
from event_store.store import Connection, append
from schemas.envelope import RecordedEvent
from tests.support.database import Database
from tests.support.log_entries import an_append

WRITERS = 12
TRANSACTIONS_EACH = 120


class LogWriters:
    """Writers that commit late, roll back, write elsewhere first, and append to shared streams."""

    def __init__(self, database: Database, seed: int) -> None:
        self._database = database
        self._random = random.Random(seed)
        self._versions = {uuid.UUID(int=self._random.getrandbits(128)): 0 for _ in range(20)}

    async def run(self) -> None:
        """Write until each of them has done its part, also when the server is away for a while."""
        async with await psycopg.AsyncConnection.connect(self._database.url("owner"), autocommit=True) as owner:
            await owner.execute("CREATE TABLE consumers.scratch (n int)")
            await owner.execute("GRANT INSERT ON consumers.scratch TO paystream_app")
        await asyncio.gather(*(self._writer() for _ in range(WRITERS)))

    async def _writer(self) -> None:
        left = TRANSACTIONS_EACH
        while left:
            try:
                async with await psycopg.AsyncConnection.connect(self._database.url("app")) as connection:
                    while left:
                        left -= 1
                        await self._transaction(connection)
            except psycopg.OperationalError:  # a deadlock, as two calls in one transaction may cross; or a crash
                await asyncio.sleep(0.02)

    async def _transaction(self, connection: Connection) -> None:
        chance = self._random.random
        if chance() < 0.4:  # a transaction id taken long before the positions
            await connection.execute("INSERT INTO consumers.scratch VALUES (1)")
            await asyncio.sleep(chance() * 0.004)  # at random, as below: how transactions overlap is what varies
        appended: dict[uuid.UUID, int] = {}
        for call in range(self._random.choice((1, 1, 2))):
            # Shared streams in the first call only: two calls of one transaction could deadlock with another's.
            streams = self._random.sample(sorted(self._versions), self._random.choice((0, 1, 3)) if call == 0 else 0)
            items = [an_append(each, self._versions[each], events=self._random.choice((1, 2))) for each in streams]
            results = await append(connection, [*items, an_append()])
            for item, result in zip(items, results, strict=False):
                if isinstance(result, Appended):
                    appended[item.stream_id] = result.version
                elif isinstance(result, VersionConflict):
                    self._versions[item.stream_id] = result.actual_version
            await asyncio.sleep(chance() * 0.004)
        if chance() < 0.3:
            await connection.rollback()
        else:
            await connection.commit()
            self._versions.update(appended)


def assert_exact(seen: list[RecordedEvent], written: list[int]) -> None:
    """Check that a reader emitted each event of the log once, in order, and each stream without a hole."""
    assert [event.position for event in seen] == written
    versions: dict[uuid.UUID, list[int]] = defaultdict(list)
    for event in seen:
        versions[event.stream_id].append(event.version)
    assert all(found == list(range(1, len(found) + 1)) for found in versions.values())


@asynccontextmanager
async def forgotten_transaction(database: Database) -> AsyncIterator[None]:
    """Keep a transaction that writes open in another database of the server."""
    url = database.server.url(database="postgres")
    async with await psycopg.AsyncConnection.connect(url) as forgotten:
        await forgotten.execute("SELECT pg_current_xact_id()")
        yield

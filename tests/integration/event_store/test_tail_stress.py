"""A reader of the log loses nothing, repeats nothing and inverts no stream, whatever the writers do.

The same stress is run past a naive reader (`position > cursor`): it loses events, which shows that the stress bites.
"""

import asyncio
import random
import uuid
from collections import defaultdict

import psycopg
import pytest

from event_store.appends import Appended, VersionConflict
from event_store.store import Connection, append
from event_store.tail import Tail
from schemas.envelope import RecordedEvent
from tests.support.database import Database
from tests.support.log_entries import an_append

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

WRITERS = 12
TRANSACTIONS_EACH = 120


class _Writers:
    """Writers that commit late, roll back, write elsewhere first, and append to shared streams."""

    def __init__(self, database: Database, seed: int) -> None:
        self._database = database
        self._random = random.Random(seed)
        self._versions = {uuid.UUID(int=self._random.getrandbits(128)): 0 for _ in range(20)}

    async def run(self) -> None:
        await asyncio.gather(*(self._writer() for _ in range(WRITERS)))

    async def _writer(self) -> None:
        async with await psycopg.AsyncConnection.connect(self._database.url("app")) as connection:
            for _ in range(TRANSACTIONS_EACH):
                try:
                    await self._transaction(connection)
                except psycopg.errors.DeadlockDetected:  # two calls in one transaction may cross: a rollback more
                    await connection.rollback()

    async def _transaction(self, connection: Connection) -> None:
        chance = self._random.random
        if chance() < 0.4:  # a transaction id taken long before the positions
            await connection.execute("INSERT INTO scratch VALUES (1)")
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


async def _tail_reader(database: Database, done: asyncio.Event) -> list[RecordedEvent]:
    tail, seen, idle = Tail(), list[RecordedEvent](), 0
    async with await psycopg.AsyncConnection.connect(database.url("app"), autocommit=True) as connection:
        while idle < 5:
            batch = await tail.read(connection, limit=100)
            seen += batch
            idle = 0 if batch or not done.is_set() else idle + 1
            await asyncio.sleep(0)
    return seen


async def _naive_reader(database: Database, done: asyncio.Event) -> list[int]:
    seen: list[int] = [0]
    async with await psycopg.AsyncConnection.connect(database.url("app"), autocommit=True) as connection:
        last_round = False
        while not last_round:
            last_round = done.is_set()
            rows = await connection.execute(
                "SELECT position FROM event_store.events WHERE position > %s ORDER BY position", [seen[-1]]
            )
            seen += [position for (position,) in await rows.fetchall()]
            await asyncio.sleep(0)
    return seen[1:]


@pytest.mark.slow
async def test_the_ordered_reader_is_exact_where_a_naive_one_loses(database: Database) -> None:
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute("CREATE TABLE scratch (n int); GRANT INSERT ON scratch TO paystream_app")

    done = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        readers = [group.create_task(_tail_reader(database, done)) for _ in range(2)]
        naive_reader = group.create_task(_naive_reader(database, done))
        await group.create_task(_Writers(database, seed=20261122).run())
        done.set()
    tails, naive = [reader.result() for reader in readers], naive_reader.result()

    async with await psycopg.AsyncConnection.connect(database.url("app")) as connection:
        rows = await connection.execute("SELECT position FROM event_store.events ORDER BY position")
        written = [position for (position,) in await rows.fetchall()]
    assert len(written) > 1000
    assert written != list(range(1, len(written) + 1)), "no rollback left a gap: the stress does not bite"
    for seen in tails:
        assert [event.position for event in seen] == written
        versions: dict[uuid.UUID, list[int]] = defaultdict(list)
        for event in seen:
            versions[event.stream_id].append(event.version)
        assert all(found == list(range(1, len(found) + 1)) for found in versions.values())
    lost = set(written) - set(naive)
    assert lost, "the naive reader lost nothing: the stress does not bite"


async def test_a_gap_younger_than_the_horizon_is_not_passed(database: Database) -> None:
    """The proof for one gap must not be used for a later one whose transaction is still open."""
    urls = database.url("app")
    async with (
        await psycopg.AsyncConnection.connect(urls) as first,
        await psycopg.AsyncConnection.connect(urls) as second,
        await psycopg.AsyncConnection.connect(urls) as third,
        await psycopg.AsyncConnection.connect(urls, autocommit=True) as reading,
    ):
        tail = Tail()
        await append(first, [an_append()])  # 1, open
        await append(second, [an_append()])  # 2, committed
        await second.commit()
        assert await tail.read(reading) == []  # takes the horizon for the gap at 1
        await append(third, [an_append()])  # 3, open, and younger than the horizon
        await append(second, [an_append()])  # 4, committed
        await second.commit()
        await first.rollback()  # 1 is dead
        assert [event.position for event in await tail.read(reading)] == [2]
        assert await tail.read(reading) == []
        await third.commit()
        assert [event.position for event in await tail.read(reading)] == [3, 4]


async def test_a_gap_holds_the_reader_back_until_its_transaction_ends(database: Database) -> None:
    urls = database.url("app")
    async with (
        await psycopg.AsyncConnection.connect(urls) as slow,
        await psycopg.AsyncConnection.connect(urls) as quick,
        await psycopg.AsyncConnection.connect(urls, autocommit=True) as reading,
    ):
        tail = Tail()
        await append(slow, [an_append()])
        await append(quick, [an_append()])
        await quick.commit()
        for _ in range(3):
            assert await tail.read(reading) == []
        await slow.commit()
        assert [event.position for event in await tail.read(reading)] == [1, 2]
        assert tail.cursor == 2


async def test_the_reader_refuses_a_connection_in_a_transaction(app: Connection) -> None:
    with pytest.raises(ValueError, match="autocommit"):
        await Tail().read(app)

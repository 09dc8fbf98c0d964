"""A reader of the log loses nothing, repeats nothing and inverts no stream, whatever the writers do.

The same stress is run past a naive reader (`position > cursor`): it loses events, which shows that the stress bites.
"""

import asyncio
from bisect import bisect_right

import psycopg
import pytest

from event_store.tail import ProvedEnd, Tail
from schemas.envelope import RecordedEvent
from tests.integration.event_store.log_writers import LogWriters, assert_exact, forgotten_transaction
from tests.support.database import Database

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


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


async def _proving_reader(database: Database, done: asyncio.Event) -> list[tuple[int, int]]:
    """Return each proved end, and how many events were there up to it at that moment."""
    end, proved = ProvedEnd(), list[tuple[int, int]]()
    async with await psycopg.AsyncConnection.connect(database.url("app"), autocommit=True) as connection:
        while not done.is_set() or end.position < end.drawn:
            position = await end.prove(connection)
            rows = await connection.execute("SELECT count(*) FROM event_store.events WHERE position <= %s", [position])
            proved += [(position, count) for (count,) in await rows.fetchall()]
            await asyncio.sleep(0)
    return proved


@pytest.mark.slow
async def test_the_ordered_reader_is_exact_where_a_naive_one_loses(database: Database) -> None:
    done = asyncio.Event()
    async with forgotten_transaction(database), asyncio.TaskGroup() as group:
        readers = [group.create_task(_tail_reader(database, done)) for _ in range(2)]
        prover = group.create_task(_proving_reader(database, done))
        naive_reader = group.create_task(_naive_reader(database, done))
        await group.create_task(LogWriters(database, seed=20261122).run())
        done.set()
    tails, naive = [reader.result() for reader in readers], naive_reader.result()

    async with await psycopg.AsyncConnection.connect(database.url("app")) as connection:
        rows = await connection.execute("SELECT position FROM event_store.events ORDER BY position")
        written = [position for (position,) in await rows.fetchall()]
    assert len(written) > 1000
    assert written != list(range(1, len(written) + 1)), "no rollback left a gap: the stress does not bite"
    for seen in tails:
        assert_exact(seen, written)
    proved = prover.result()
    assert len({position for position, _ in proved}) > 100, "it proved next to nothing while others appended"
    assert all(count == bisect_right(written, position) for position, count in proved), "something came after its proof"
    assert proved[-1][0] >= written[-1]
    lost = set(written) - set(naive)
    assert lost, "the naive reader lost nothing: the stress does not bite"

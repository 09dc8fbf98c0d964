"""The reader of the log at a gap: what stops it, what does not, and what a failure leaves behind."""

import asyncio
from unittest import mock

import psycopg
import pytest

from event_store.store import Connection, append
from event_store.tail import ProvedEnd, Tail
from tests.integration.event_store.log_writers import forgotten_transaction
from tests.support.database import Database
from tests.support.log_entries import an_append
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


async def test_the_proof_of_one_gap_does_not_pass_a_later_one(database: Database) -> None:
    """The transaction of the later one may still be open."""
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
        assert await tail.read(reading) == []  # notes who may hold the gap at 1
        await append(third, [an_append()])  # 3, open, and drawn after that
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


async def test_a_transaction_forgotten_elsewhere_stops_nobody(database: Database, app: Connection) -> None:
    url = database.url("app")
    async with (
        forgotten_transaction(database),
        await psycopg.AsyncConnection.connect(url) as idle,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as reading,
    ):
        await idle.execute("SELECT pg_current_xact_id()")  # in this database too: it has drawn no position
        await append(app, [an_append()])
        await app.rollback()
        await append(app, [an_append()])
        await app.commit()
        assert [event.position for event in await Tail().read(reading)] == [2]


async def test_a_released_lock_says_nothing_to_an_older_snapshot(database: Database, app: Connection) -> None:
    """Why whether the lock is held, and whether the gap is there still, are not looked up in one statement."""
    in_one_statement = """
        SELECT (SELECT count(*) FROM event_store.events WHERE position = 1),
               (SELECT count(*) FROM pg_locks, pg_advisory_lock(1)
                 WHERE relation = 'event_store.event_position'::regclass)
    """
    url = database.url("app")
    async with (
        await psycopg.AsyncConnection.connect(url, autocommit=True) as signaling,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as reading,
    ):
        await append(app, [an_append()])
        await signaling.execute("SELECT pg_advisory_lock(1)")
        looking = asyncio.create_task(reading.execute(in_one_statement))
        await eventually(lambda: _waits(signaling, reading.info.backend_pid))
        await app.commit()  # the snapshot of the statement is older
        await signaling.execute("SELECT pg_advisory_unlock(1)")
        assert await (await looking).fetchone() == (0, 0), "it would take the event for lost"
        assert [event.position for event in await Tail().read(signaling)] == [1]


async def _waits(connection: Connection, pid: int) -> bool:
    found = await connection.execute("SELECT FROM pg_stat_activity WHERE pid = %s AND wait_event = 'advisory'", [pid])
    return await found.fetchone() is not None


async def test_a_read_that_fails_at_its_second_statement_moves_nothing(database: Database, app: Connection) -> None:
    tail, url = Tail(), database.url("app")
    await append(app, [an_append()])
    await app.commit()
    await append(app, [an_append()])
    await app.rollback()
    await append(app, [an_append()])
    await app.commit()
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as reading:
        with (
            mock.patch("event_store.tail._holding", side_effect=psycopg.OperationalError),
            pytest.raises(psycopg.Error),
        ):
            await tail.read(reading)
        assert tail.cursor == 0
        assert [event.position for event in await tail.read(reading)] == [1, 3]


async def test_the_end_is_proved_without_an_event_behind_the_gap(database: Database, app: Connection) -> None:
    async with await psycopg.AsyncConnection.connect(database.url("app"), autocommit=True) as reading:
        end = ProvedEnd()
        assert await end.prove(reading) == 0
        await append(app, [an_append(events=2)])
        await app.commit()
        assert await end.prove(reading) == 2
        await append(app, [an_append()])
        await app.rollback()
        assert (await end.prove(reading), end.drawn) == (3, 3)


async def test_an_end_is_proved_when_those_of_before_have_ended(database: Database) -> None:
    urls = database.url("app")
    async with (
        await psycopg.AsyncConnection.connect(urls) as first,
        await psycopg.AsyncConnection.connect(urls) as second,
        await psycopg.AsyncConnection.connect(urls, autocommit=True) as reading,
    ):
        end = ProvedEnd()
        await append(first, [an_append()])  # 1, open
        assert (await end.prove(reading), end.drawn) == (0, 1)
        await append(second, [an_append()])  # 2, open, and drawn after the look
        assert (await end.prove(reading), end.drawn) == (0, 2)
        await first.commit()
        assert await end.prove(reading) == 1, "who came later holds up nothing that was drawn before"
        assert await end.prove(reading) == 1
        await second.rollback()
        assert await end.prove(reading) == 2


async def test_a_prepared_transaction_proves_no_end(database: Database) -> None:
    """It keeps its locks under a new name, and may be committed much later."""
    reader = mock.AsyncMock(side_effect=[frozenset({"3/7"}), frozenset({"-1/12"}), frozenset()])
    async with await psycopg.AsyncConnection.connect(database.url("app"), autocommit=True) as reading:
        end = ProvedEnd()
        with (
            mock.patch("event_store.tail._holding", reader),
            mock.patch("event_store.tail._last_drawn", return_value=5),
        ):
            assert [await end.prove(reading) for _ in range(3)] == [0, 0, 5]


async def test_the_proof_of_an_end_refuses_a_connection_in_a_transaction(app: Connection) -> None:
    with pytest.raises(ValueError, match="autocommit"):
        await ProvedEnd().prove(app)

"""Who waits for appends hears of the first after a quiet time, when it is committed."""

import asyncio
import time
from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio

from event_store.append_signal import AppendSignal, listen, wait_for_append
from event_store.store import Connection
from tests.support.database import Database

pytestmark = pytest.mark.integration

LONG_S = 30.0


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest_asyncio.fixture
async def listening(database: Database) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database.url("relay"), autocommit=True) as connection:
        await listen(connection)
        yield connection


async def heard(connection: Connection, *, within_s: float) -> bool:
    began = time.monotonic()
    await wait_for_append(connection, timeout_s=within_s)
    return time.monotonic() - began < within_s


async def test_the_first_append_after_a_quiet_time_is_heard_when_it_is_committed(
    database: Database, listening: Connection
) -> None:
    signal = AppendSignal()
    async with await psycopg.AsyncConnection.connect(database.url("app")) as appending:
        waiting = asyncio.create_task(heard(listening, within_s=LONG_S))
        await signal.send(appending)
        assert not waiting.done()
        await appending.commit()
        assert await waiting


async def test_appends_one_after_another_send_one_signal(database: Database, listening: Connection) -> None:
    clock = Clock()
    signal = AppendSignal(clock=clock)
    async with await psycopg.AsyncConnection.connect(database.url("app"), autocommit=True) as appending:
        await signal.send(appending)
        assert await heard(listening, within_s=LONG_S)
        for _ in range(10):
            clock.now += 0.01
            await signal.send(appending)
        assert not await heard(listening, within_s=0.1)
        clock.now += 1
        await signal.send(appending)
        assert await heard(listening, within_s=LONG_S)


async def test_a_signal_that_came_while_nobody_waited_is_not_lost(database: Database, listening: Connection) -> None:
    async with await psycopg.AsyncConnection.connect(database.url("app"), autocommit=True) as appending:
        await AppendSignal().send(appending)
    await listening.execute("SELECT 1")
    assert await heard(listening, within_s=LONG_S)

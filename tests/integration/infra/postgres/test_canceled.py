"""Who is canceled while waiting for a connection ends, and the connection goes to the next one."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from infra.postgres.pool import Pool, create_pool
from tests.support.database import Database
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.direct_postgres]


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    async with create_pool(database.url("app"), size=1, name="test") as pool:
        yield pool


async def hold(pool: Pool) -> None:
    async with pool.connection():
        await asyncio.Event().wait()


async def is_waited_for(pool: Pool) -> bool:
    return pool.get_stats()["requests_waiting"] > 0


@pytest.mark.parametrize("steps", range(12))
async def test_a_cancellation_is_not_forgotten_when_a_connection_comes(pool: Pool, steps: int) -> None:
    """`steps`: of the event loop, between the return of the only connection and the cancellation."""
    connection = await pool.getconn()
    waiting = asyncio.create_task(hold(pool))
    await eventually(lambda: is_waited_for(pool))
    await pool.putconn(connection)
    for _ in range(steps):
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting}, timeout=5)
    assert waiting.cancelled()
    async with pool.connection(timeout=5) as found:
        assert found is connection


async def test_who_cleans_up_after_a_cancellation_gets_a_connection(pool: Pool) -> None:
    cleaned = []

    async def clean_up() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            async with pool.connection() as connection:
                cleaned.append(await (await connection.execute("SELECT 1")).fetchone())

    task = asyncio.create_task(clean_up())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert task.cancelled()
    assert cleaned == [(1,)]

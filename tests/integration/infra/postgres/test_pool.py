import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from infra.embedded.home import Home
from infra.embedded.passwords import load_or_create
from infra.embedded.ports import free_port
from infra.embedded.postgres import OWNER, PostgresServer
from infra.postgres.pool import DatabaseUnavailable, Plans, Pool, create_pool, postgres_check
from infra.process.health import Unhealthy
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[PostgresServer]:
    """A PostgreSQL of the test's own, to stop and start; not running yet."""
    home = Home(tmp_path / "home")
    home.open()
    server = PostgresServer(home, port=free_port(), passwords=load_or_create(home), fsync=False)
    yield server
    await server.stop()
    home.close()


@pytest.fixture
async def pool(server: PostgresServer) -> AsyncIterator[Pool]:
    pool = create_pool(server.url(OWNER, "postgres"), size=4, name="test")
    await pool.open()
    yield pool
    await pool.close()


async def up(server: PostgresServer) -> None:
    await server.start()
    await server.wait_ready()


async def answer(pool: Pool) -> object:
    async with pool.connection() as connection:
        row = await (await connection.execute("SELECT current_setting('application_name')")).fetchone()
        return row and row[0]


async def answers(pool: Pool) -> bool:
    try:
        return await answer(pool) == "test"
    except DatabaseUnavailable:
        return False


async def test_a_pool_opens_while_postgres_is_down_and_works_once_it_is_up(server: PostgresServer, pool: Pool) -> None:
    with pytest.raises(DatabaseUnavailable):
        await answer(pool)
    with pytest.raises(Unhealthy, match="database not available"):
        await postgres_check(pool)()

    await up(server)

    await eventually(lambda: answers(pool), within=5)
    await postgres_check(pool)()


async def test_after_a_restart_no_request_meets_a_dead_connection(server: PostgresServer, pool: Pool) -> None:
    await up(server)
    # Fill the pool: every connection is then idle when the server goes.
    blocked = asyncio.Barrier(4)

    async def hold() -> None:
        async with pool.connection():
            await blocked.wait()

    await asyncio.gather(*(hold() for _ in range(4)))
    assert pool.get_stats()["pool_available"] == 4

    await server.stop()
    await up(server)

    assert [await answer(pool) for _ in range(8)] == ["test"] * 8


async def test_a_connection_lost_in_the_middle_is_database_unavailable(server: PostgresServer, pool: Pool) -> None:
    await up(server)

    async def lose_it() -> None:
        async with pool.connection() as connection:
            await connection.execute("SELECT 1")
            await server.stop()
            await connection.execute("SELECT 2")

    with pytest.raises(DatabaseUnavailable):
        await lose_it()


async def test_an_error_in_the_block_rolls_back(server: PostgresServer, pool: Pool) -> None:
    await up(server)
    async with pool.connection() as connection:
        await connection.execute("CREATE TABLE kept (id int)")

    async def change_my_mind() -> None:
        async with pool.connection() as connection:
            await connection.execute("INSERT INTO kept VALUES (1)")
            raise ValueError("changed my mind")

    with pytest.raises(ValueError, match="changed my mind"):
        await change_my_mind()

    async with pool.connection() as connection:
        assert await (await connection.execute("SELECT * FROM kept")).fetchall() == []


async def test_a_server_whose_disk_is_full_is_not_ready_though_it_answers(server: PostgresServer, pool: Pool) -> None:
    await up(server)
    with pytest.raises(DatabaseUnavailable):
        async with pool.connection() as connection:
            await connection.execute(
                "DO $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device'"
                " USING ERRCODE = 'disk_full'; END $$"
            )
    assert await answers(pool)
    with pytest.raises(Unhealthy, match="database cannot write: could not extend file"):
        await postgres_check(pool)()


async def test_a_server_that_takes_no_writes_is_not_ready(server: PostgresServer, pool: Pool) -> None:
    await up(server)

    async def write() -> None:
        async with pool.connection() as connection:
            await connection.execute("SET TRANSACTION READ ONLY")
            await connection.execute("CREATE TABLE never (id int)")

    with pytest.raises(DatabaseUnavailable):
        await write()
    assert await answers(pool)
    with pytest.raises(
        Unhealthy, match="database cannot write: cannot execute CREATE TABLE in a read-only transaction"
    ):
        await postgres_check(pool)()


async def test_a_server_that_has_room_again_is_ready(
    server: PostgresServer, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await up(server)
    pool._short_of = (time.monotonic(), "No space left on device")
    monkeypatch.setattr("infra.postgres.pool._SHORT_FOR_S", 0.05)
    await eventually(lambda: is_ready(pool), within=5)


async def is_ready(pool: Pool) -> bool:
    try:
        await postgres_check(pool)()
    except Unhealthy:
        return False
    return True


@pytest.mark.parametrize("plans", Plans)
async def test_what_was_planned_for_a_small_table_does_not_read_a_large_one(
    server: PostgresServer, plans: Plans
) -> None:
    """A statement that is prepared while its table has five rows is still in use when there are many."""
    await up(server)
    small = create_pool(server.url(OWNER, "postgres"), size=1, name="test", autocommit=True, plans=plans)
    async with small as pool, pool.connection() as conn:
        await conn.execute("CREATE TABLE grown (id integer PRIMARY KEY)")
        await conn.execute("INSERT INTO grown SELECT generate_series(1, 5)")
        await conn.execute("VACUUM ANALYZE grown")
        await conn.execute("PREPARE find(integer) AS SELECT id FROM grown WHERE id = $1")
        for _ in range(10):
            await conn.execute("EXECUTE find(1)")
        await conn.execute("INSERT INTO grown SELECT generate_series(6, 50000)")
        plan = str(await (await conn.execute("EXPLAIN EXECUTE find(1)")).fetchall())
    assert "Index" in plan
    assert "Seq Scan" not in plan

"""The metrics of standbys, from a real one that stops replaying, and goes away."""

from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from prometheus_client import REGISTRY
from psycopg.errors import InsufficientPrivilege

from event_store.relay.standbys import StandbyWatch
from infra.embedded.postgres import OWNER, PostgresServer
from infra.postgres.pool import Pool, create_pool
from tests.support.database import Database
from tests.support.postgres_copies import backup, server_on
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.direct_postgres]


@pytest_asyncio.fixture
async def standby(database: Database, tmp_path: Path) -> AsyncIterator[PostgresServer]:
    folder = await backup(database.server, standby=True)
    async with server_on(folder, tmp_path / "standby", like=database.server) as server:
        yield server


@pytest_asyncio.fixture
async def relay_pool(database: Database) -> AsyncIterator[Pool]:
    async with create_pool(database.url("relay"), size=1, name="relay-test") as pool:
        yield pool


def shown(name: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"standby": "walreceiver"})


async def write(database: Database) -> None:
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute("CREATE TABLE IF NOT EXISTS public.filler (text text)")
        await owner.execute("INSERT INTO public.filler SELECT repeat('x', 1000) FROM generate_series(1, 100)")


async def run_on(server: PostgresServer, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(server.url(database="postgres"), autocommit=True) as owner:
        await owner.execute(statement)


async def test_a_standby_is_shown_with_what_it_lacks(
    database: Database, relay_pool: Pool, standby: PostgresServer
) -> None:
    watch = StandbyWatch(relay_pool)

    async def lag() -> tuple[float | None, float | None, float | None]:
        await watch.look()
        return (
            REGISTRY.get_sample_value("postgres_standbys"),
            shown("postgres_standby_lag_bytes"),
            shown("postgres_standby_lag_seconds"),
        )

    assert await eventually(lag, lambda found: found == (1, 0, 0))
    await run_on(standby, "SELECT pg_wal_replay_pause()")
    await write(database)
    _, behind, _ = await eventually(lag, lambda found: (found[1] or 0) > 100_000 and (found[2] or 0) > 0)
    assert behind is not None
    await run_on(standby, "SELECT pg_wal_replay_resume()")
    await eventually(lag, lambda found: found == (1, 0, 0))
    await standby.stop()
    await eventually(lag, lambda found: found == (0, None, None))


async def test_a_copy_and_who_may_not_look_are_no_standbys(database: Database, relay_pool: Pool) -> None:
    watch = StandbyWatch(relay_pool)
    await backup(database.server)
    await watch.look()
    assert REGISTRY.get_sample_value("postgres_standbys") == 0


@pytest.mark.parametrize("role", ["app", "query", "projector"])
async def test_no_other_role_learns_of_standbys(database: Database, role: str) -> None:
    async with await psycopg.AsyncConnection.connect(database.url(role)) as connection:
        with pytest.raises(InsufficientPrivilege):
            await connection.execute("SELECT * FROM event_store.standbys()")


async def test_without_the_right_to_look_only_the_number_is_known(
    database: Database, relay_pool: Pool, standby: PostgresServer
) -> None:
    """As on a managed server, where the owner of the database is no member of pg_monitor."""
    del standby
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute("CREATE ROLE plain_owner")
        try:
            await owner.execute("GRANT USAGE, CREATE ON SCHEMA event_store TO plain_owner")
            await owner.execute("ALTER FUNCTION event_store.standbys() OWNER TO plain_owner")
            watch = StandbyWatch(relay_pool)

            async def look() -> float | None:
                await watch.look()
                return REGISTRY.get_sample_value("postgres_standbys")

            await eventually(look, lambda found: found == 1)
            assert shown("postgres_standby_lag_bytes") is None
        finally:
            await owner.execute("REASSIGN OWNED BY plain_owner TO " + OWNER)
            await owner.execute("DROP OWNED BY plain_owner")
            await owner.execute("DROP ROLE plain_owner")

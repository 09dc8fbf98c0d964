"""What goes through a real PgBouncer in transaction mode, and what it would break."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
import structlog

from consumers.reconciliation.process import SERVICE as RECONCILIATION
from event_store.appends import Appended, StoredResponse
from event_store.group_commit import GroupCommit
from event_store.log_monitor import LogMonitor
from event_store.relay.process import SERVICE as RELAY
from infra.embedded.postgres import PostgresServer
from infra.errors import ProcessFailed
from infra.migrations.cli_run import run_migrate
from infra.postgres.pool import DatabaseUnavailable, create_pool, postgres_check
from infra.postgres.pooling import DIRECT, Pooling
from infra.postgres.sessions import NeedsSession, Sessions, connect_session, require_session, sessions_at
from infra.process.health import Health, Unhealthy
from infra.process.runtime import Runtime
from infra.process.service import Service
from projections.process import SERVICE as PROJECTOR
from query_api.database import create_read_pool
from tests.support.database import Database
from tests.support.log_entries import an_append
from tests.support.pgbouncer import PgBouncer, lacking, pgbouncer
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.skipif(lacking() is not None, reason=f"NOT TESTED BEHIND PGBOUNCER: {lacking()}"),
]

POOLED = Pooling(is_transaction=True, prepares=False)
LOCK = "SELECT pg_try_advisory_lock(4711)"
GUARD = "SELECT current_setting('idle_in_transaction_session_timeout')"


@pytest_asyncio.fixture
async def pooler(session_postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[PgBouncer]:
    async with pgbouncer(session_postgres, tmp_path / "pgbouncer") as running:
        yield running


@pytest_asyncio.fixture
async def lenient(session_postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[PgBouncer]:
    """As many set it up: what a client asks for at the start is accepted, and forgotten."""
    ignoring = ("ignore_startup_parameters = options,extra_float_digits",)
    async with pgbouncer(session_postgres, tmp_path / "lenient", settings=ignoring) as running:
        yield running


async def one(connection: psycopg.AsyncConnection, query: str) -> object:
    row = await (await connection.execute(query)).fetchone()
    return row and row[0]


# What it does to clients that expect PostgreSQL itself.


async def test_options_at_the_start_are_refused(pooler: PgBouncer, database: Database) -> None:
    with pytest.raises(psycopg.OperationalError, match="unsupported startup parameter"):
        await psycopg.AsyncConnection.connect(pooler.behind(database.url("app")), options="-c work_mem=8MB")


async def test_a_lock_of_a_session_is_granted_twice(pooler: PgBouncer, database: Database) -> None:
    url = pooler.behind(database.url("app"))
    async with (
        await psycopg.AsyncConnection.connect(url, autocommit=True) as first,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as second,
    ):
        assert [await one(first, LOCK), await one(second, LOCK)] == [True, True]
        await first.execute("SELECT pg_advisory_unlock_all()")


async def test_one_client_meets_the_prepared_statement_of_another(pooler: PgBouncer, database: Database) -> None:
    url = pooler.behind(database.url("app"))

    async def prepare_twice() -> None:
        async with (
            await psycopg.AsyncConnection.connect(url, autocommit=True) as first,
            await psycopg.AsyncConnection.connect(url, autocommit=True) as second,
        ):
            await first.execute("SELECT 1", prepare=True)
            await second.execute("SELECT 2", prepare=True)

    with pytest.raises(psycopg.errors.DuplicatePreparedStatement):
        await prepare_twice()


# What an address leads to.


async def test_an_address_is_seen_to_lead_to_a_pooler(pooler: PgBouncer, database: Database) -> None:
    url = database.url("app")
    assert await sessions_at(url) is Sessions.DIRECT
    assert await sessions_at(pooler.behind(url)) is Sessions.LOST
    assert await sessions_at(f"{pooler.behind(url)}?options=-c%20work_mem%3D8MB") is Sessions.LOST


async def test_a_pooler_that_is_busy_is_seen_as_well(pooler: PgBouncer, database: Database) -> None:
    url = pooler.behind(database.url("app"))
    stop = asyncio.Event()

    async def keep_busy() -> None:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True, prepare_threshold=None) as connection:
            while not stop.is_set():
                await connection.execute("SELECT pg_sleep(0.002)")

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(keep_busy())
        try:
            assert [await sessions_at(url) for _ in range(5)] == [Sessions.LOST] * 5
        finally:
            stop.set()


async def test_a_pooler_of_whole_sessions_is_no_hindrance(
    session_postgres: PostgresServer, database: Database, tmp_path: Path
) -> None:
    async with pgbouncer(session_postgres, tmp_path / "session", settings=["pool_mode = session"]) as running:
        url = running.behind(database.url("app"))
        assert await sessions_at(url) is Sessions.KEPT
        await require_session(url, user="the relay")
        async with await connect_session(url, user="the relay") as connection:
            assert await one(connection, LOCK) is True


async def test_who_needs_a_session_is_told_which_setting_to_change(pooler: PgBouncer, database: Database) -> None:
    url = pooler.behind(database.url("relay"))
    with pytest.raises(NeedsSession, match=r"the relay needs a session .* set DATABASE_DIRECT_URL to"):
        await require_session(url, user="the relay")
    with pytest.raises(ProcessFailed, match="DATABASE_DIRECT_URL"):
        await connect_session(url, user="the relay")
    async with await connect_session(database.url("relay"), user="the relay") as connection:
        assert await one(connection, LOCK) is True


async def test_while_nothing_answers_nothing_is_held_against_an_address(pooler: PgBouncer, database: Database) -> None:
    await pooler.stop()
    await require_session(pooler.behind(database.url("relay")), user="the relay")


# How a pool goes through it.


@pytest.mark.parametrize("role", ["app", "relay", "projector", "query"])
async def test_a_login_role_has_the_settings_that_no_session_keeps(
    role: str, pooler: PgBouncer, database: Database
) -> None:
    async with create_pool(pooler.behind(database.url(role)), size=1, name="test", pooling=POOLED) as pool:
        async with pool.connection() as connection:
            assert await one(connection, GUARD) == "3s"
            assert await one(connection, "SELECT current_setting('plan_cache_mode')") == "force_custom_plan"
        await postgres_check(pool)()


async def test_reads_stay_read_only_and_end_in_time(pooler: PgBouncer, database: Database) -> None:
    url = pooler.behind(database.url("query"))
    async with (
        create_read_pool(url, size=1, timeout_ms=100, pooling=POOLED) as pool,
        pool.connection() as connection,
    ):
        assert await one(connection, "SELECT current_setting('default_transaction_read_only')") == "on"
        assert await one(connection, "SELECT current_setting('statement_timeout')") == "5s"


async def test_who_is_frozen_in_a_transaction_is_cut_off(pooler: PgBouncer, database: Database) -> None:
    async with create_pool(pooler.behind(database.url("app")), size=1, name="test", pooling=POOLED) as pool:

        async def freeze() -> None:
            async with pool.connection() as connection:
                await connection.execute("SELECT 1")
                await asyncio.sleep(3.5)  # what is tested is that time passes
                await connection.execute("SELECT 2")

        with pytest.raises(DatabaseUnavailable):
            await freeze()
        await postgres_check(pool)()  # and the next one is served


async def test_a_statement_is_used_often_by_many_connections(pooler: PgBouncer, database: Database) -> None:
    async with create_pool(pooler.behind(database.url("app")), size=8, name="test", pooling=POOLED) as pool:

        async def ask(number: int) -> object:
            async with pool.connection() as connection:
                row = await (await connection.execute("SELECT %s::integer + 1", [number])).fetchone()
                return row and row[0]

        assert await asyncio.gather(*map(ask, range(200))) == list(range(1, 201))


@pytest.mark.parametrize("pooling", [POOLED, DIRECT])
async def test_without_its_guard_no_connection_is_used_and_health_says_why(
    pooling: Pooling, lenient: PgBouncer, session_postgres: PostgresServer
) -> None:
    """A database of somebody else's making, whose logins have no settings: the owner's stands for them."""
    url = lenient.behind(session_postgres.url(database="postgres"))
    with structlog.testing.capture_logs() as logs:
        async with create_pool(url, size=1, name="test", pooling=pooling) as pool:
            with pytest.raises(DatabaseUnavailable):
                async with pool.connection(timeout=1):
                    pass
            with pytest.raises(Unhealthy, match=r"apply_login_settings"):
                await postgres_check(pool)()
    assert logs[0]["event"] == "database_settings_lost"


async def test_appends_of_many_clients_are_all_recorded(pooler: PgBouncer, database: Database) -> None:
    async with create_pool(pooler.behind(database.url("app")), size=4, name="test", pooling=POOLED) as pool:
        appender = GroupCommit(pool)
        try:
            items = [an_append(key=f"{number % 50}") for number in range(100)]
            results = await asyncio.gather(*map(appender.append, items))
        finally:
            await appender.close()
    # Of two with one key, one is written, and the other gets its answer.
    assert [type(each) for each in results].count(Appended) == 50
    assert len({each.position for each in results if isinstance(each, Appended | StoredResponse)}) == 50


async def test_a_failover_is_noticed_though_no_connection_breaks(pooler: PgBouncer, database: Database) -> None:
    """Answers in Redis are of an epoch of the log: those of one that is over must not be given."""
    monitor = LogMonitor()
    url = pooler.behind(database.url("app"))
    async with (
        create_pool(url, size=1, name="test", configure=monitor.on_connect, pooling=POOLED) as pool,
        monitor.following(pool, every_s=0.05),
        await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner,
    ):
        await postgres_check(pool)()
        assert monitor.epoch == 1
        await owner.execute("SELECT event_store.close_log('x')")
        await owner.execute("SELECT event_store.reopen_log(1, 0, '{}')")

        async def epoch() -> int | None:
            return monitor.epoch

        await eventually(epoch, until=lambda found: found == 2)


@pytest.mark.parametrize("service", [RELAY, PROJECTOR, RECONCILIATION], ids=lambda each: each.name)
async def test_a_process_that_needs_a_session_ends_and_says_so(
    service: Service, pooler: PgBouncer, database: Database
) -> None:
    settings = service.settings.model_validate(
        {
            "database_url": pooler.behind(database.url("owner")),
            "database_pooler": "transaction",
            "kafka_bootstrap_servers": "127.0.0.1:9",
            "redis_url": "redis://127.0.0.1:9/0",
            "stripe_secret_key": "sk_test_integration",
        }
    )
    runtime = Runtime(service=service.name, settings=settings, stop=asyncio.Event(), health=Health())
    with pytest.raises(NeedsSession, match=f"{service.name} needs a session .* set DATABASE_DIRECT_URL"):
        await asyncio.wait_for(service.serve(runtime, settings), 20)


async def test_a_migration_is_refused_behind_it(
    pooler: PgBouncer, database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIGRATION_DATABASE_URL", pooler.behind(database.url("owner")))
    assert await asyncio.to_thread(run_migrate) == 2
    assert "set MIGRATION_DATABASE_URL to the address of PostgreSQL itself" in capsys.readouterr().err

"""The primary is killed under load, and its synchronous standby promoted: nothing that was answered for is lost."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

from infra.embedded.postgres import PostgresServer
from infra.embedded.process import Process
from projections.verify import Difference, differences
from tests.support.payment_load import Customers, assert_stripe_agrees, chaos_seed
from tests.support.postgres_copies import backup, promote, server_on
from tests.support.system import System, running_system
from tests.support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.broker, pytest.mark.timeout(300), pytest.mark.own_system]

_BEFORE_IT, _IN_ALL = 40, 120


class FailoverSystem(System):
    """A system whose database has a standby; after a failover the standby is the database."""

    def __init__(self, system: System, standby: PostgresServer) -> None:
        super().__init__(system.stack)
        self.standby = standby

    async def differences(self) -> list[Difference]:
        """Compare the read model with a replay of the event store, on the standby."""
        async with await psycopg.AsyncConnection.connect(self.standby.url()) as connection:
            return await differences(connection, connection)


@pytest_asyncio.fixture
async def system(tmp_path: Path) -> AsyncIterator[FailoverSystem]:
    async with running_system(tmp_path / "home") as running:
        primary = running.stack.component("postgres")
        assert isinstance(primary, PostgresServer)
        copied = await backup(primary, standby=True)
        async with server_on(copied, tmp_path / "standby", primary) as standby, lent(running, standby) as lent_system:
            await make_synchronous(primary)
            await name_both(running, primary, standby)
            yield lent_system


@asynccontextmanager
async def lent(running: System, standby: PostgresServer) -> AsyncIterator[FailoverSystem]:
    made = FailoverSystem(running, standby)
    try:
        yield made
    finally:
        await made.close()


async def make_synchronous(primary: PostgresServer) -> None:
    """Have each commit of the primary wait for its standby."""
    url = primary.url(database="postgres")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        await connection.execute("SELECT pg_reload_conf()")

        async def is_synchronous() -> bool:
            cursor = await connection.execute("SELECT sync_state FROM pg_stat_replication")
            return await cursor.fetchall() == [("sync",)]

        await eventually(is_synchronous)


async def name_both(system: System, primary: PostgresServer, standby: PostgresServer) -> None:
    """Have every process use whichever of the two servers takes writes, as its `DATABASE_URL` says."""
    both = f"{primary.address},{standby.address}"
    for name in system.stack.process_names:
        process = system.stack.component(name)
        assert isinstance(process, Process)
        process.settings = {
            key: value.replace(primary.address, both) + _which(key) if value.startswith("postgresql://") else value
            for key, value in process.settings.items()
        }
        await process.restart()


def _which(setting: str) -> str:
    """Return how to tell the primary: the roles that only read are read-only on the primary too."""
    reads_only = setting in ("READ_DATABASE_URL", "AUDIT_DATABASE_URL")
    return f"?target_session_attrs={'primary' if reads_only else 'read-write'}"


async def test_a_failover_under_load_loses_nothing(system: FailoverSystem) -> None:
    primary, standby = system.stack.component("postgres"), system.standby
    customers = Customers(system=system, seed=chaos_seed(), rest_s=0.2)
    running = asyncio.create_task(customers.run(_IN_ALL))
    await eventually(lambda: accepted(customers, _BEFORE_IT), within=60)

    killed_at = time.monotonic()
    primary.kill()
    answered_for = [made.id for made in customers.made]
    await stop_waiting_for_a_standby(standby)
    await promote(standby)
    before = len(customers.made)
    await eventually(lambda: accepted(customers, before + 1), within=60)
    outage_s = time.monotonic() - killed_at
    await running

    async with await psycopg.AsyncConnection.connect(standby.url()) as connection:
        rows = await connection.execute("SELECT DISTINCT stream_id::text FROM event_store.events")
        logged = {stream_id for (stream_id,) in await rows.fetchall()}
    lost = set(answered_for) - logged
    print(f"failover: {len(answered_for)} payments were answered for, {len(lost)} lost, outage {outage_s:.1f} s")  # noqa: T201
    assert lost == set()
    await assert_stripe_agrees(system, customers.made)


async def accepted(customers: Customers, count: int) -> bool:
    return len(customers.made) >= count


async def stop_waiting_for_a_standby(server: PostgresServer) -> None:
    """Undo what came along from the primary: the new one has no standby yet."""
    url = server.url(database="postgres")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
        await connection.execute("SELECT pg_reload_conf()")

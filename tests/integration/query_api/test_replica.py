"""The query API on a real standby that lags: a read that names a position is late, and never wrong."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psycopg
import pytest
import pytest_asyncio

from event_store.store import Connection as AppConnection
from infra.embedded.postgres import PostgresServer
from query_api.database import create_read_pool
from tests.integration.query_api.conftest import Project, Record
from tests.support.database import Database
from tests.support.payment_histories import paid, request_payment
from tests.support.postgres_copies import backup, server_on
from tests.support.query_client import client_of
from tests.support.read_model import load_log
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.direct_postgres]


@pytest_asyncio.fixture
async def standby(database: Database, tmp_path: Path) -> AsyncIterator[PostgresServer]:
    folder = await backup(database.server, standby=True)
    async with server_on(folder, tmp_path / "standby", like=database.server) as server:
        yield server


@pytest_asyncio.fixture
async def replica(standby: PostgresServer, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    url = standby.url("paystream_query_login", database.name)
    async with create_read_pool(url, size=4, timeout_ms=5000) as pool, client_of(pool) as client:
        yield client


async def run_on(standby: PostgresServer, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(standby.url(database="postgres"), autocommit=True) as owner:
        await owner.execute(statement)


async def test_a_read_at_a_lagging_replica_waits_or_says_that_it_is_behind(
    replica: httpx.AsyncClient, standby: PostgresServer, record: Record, project: Project
) -> None:
    await run_on(standby, "SELECT pg_wal_replay_pause()")
    payment_id = await record(paid(request_payment()))
    position = await project()

    behind = await replica.get(f"/payments/{payment_id}", params={"min_position": position})
    assert (behind.status_code, behind.json()["code"]) == (503, "projection_behind")
    assert (await replica.get(f"/payments/{payment_id}")).status_code == 404, "who names no position sees what is there"

    await run_on(standby, "SELECT pg_wal_replay_resume()")

    async def answer() -> int:
        return (await replica.get(f"/payments/{payment_id}", params={"min_position": position})).status_code

    await eventually(answer, until=lambda status: status == 200)


async def test_a_position_that_is_no_payments_is_behind_and_no_fault(
    replica: httpx.AsyncClient, record: Record, project: Project, app: AppConnection
) -> None:
    """A standby cannot ask the projector to prove it: nothing is sent from there."""
    await record(paid(request_payment()))
    await project()
    position = (await load_log(app))[-1].position + 5
    response = await replica.get("/payments", params={"min_position": position})
    assert (response.status_code, response.json()["code"]) == (503, "projection_behind")

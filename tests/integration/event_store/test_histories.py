"""What many clients do to the log at once could have been done one after another, crashes of the server included."""

import asyncio
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from domain.ids import EventId
from event_store.appends import Appended, VersionConflict
from event_store.store import load_many
from infra.embedded.postgres import PostgresServer
from infra.postgres.pool import create_pool
from schemas.envelope import RecordedEvent
from tests.integration.event_store.histories import Appending, Clients, Loading, anomalies
from tests.support.database import Database, fresh_database, postgres_server
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(120)]

CLIENTS, OPERATIONS, CRASHES = 12, 150, 3


async def whole_log(database: Database, clients: Clients) -> list[RecordedEvent]:
    async with create_pool(database.url("app"), size=1, name="checker") as pool, pool.connection() as connection:
        streams = await load_many(connection, clients.streams)
    return [event for events in streams.values() for event in events]


async def crash(server: PostgresServer, clients: Clients) -> None:
    for number in range(1, CRASHES + 1):

        async def appended() -> int:
            return len(clients.appends)

        await eventually(appended, lambda count: count >= number * CLIENTS * OPERATIONS // 10)  # noqa: B023 - awaited
        server.kill()
        await server.start()
        await server.wait_ready()


async def test_concurrent_appends_and_loads_have_an_order(database: Database) -> None:
    async with create_pool(database.url("app"), size=4, name="test") as pool:
        clients = Clients(pool=pool, seed=20261128)
        await clients.run(CLIENTS, OPERATIONS)
    log = await whole_log(database, clients)
    assert len(log) > CLIENTS * OPERATIONS // 20, "nearly all conflicted: the history shows nothing"
    assert anomalies(clients, log) == []


async def test_they_have_one_when_the_server_crashes_meanwhile(tmp_path: Path) -> None:
    async with postgres_server(tmp_path) as server, fresh_database(server) as database:
        async with create_pool(database.url("app"), size=4, name="test") as pool:
            clients = Clients(pool=pool, seed=20261129)
            async with asyncio.TaskGroup() as group:
                group.create_task(crash(server, clients))
                group.create_task(clients.run(CLIENTS, OPERATIONS * 2))
        assert anomalies(clients, await whole_log(database, clients)) == []


async def test_the_checker_finds_what_cannot_have_happened(database: Database) -> None:
    """A checker that finds nothing in a good history must find something in a bad one."""
    async with create_pool(database.url("app"), size=4, name="test") as pool:
        clients = Clients(pool=pool, seed=1)
        await clients.run(3, 40)
    log = await whole_log(database, clients)
    appended = next(each for each in clients.appends if isinstance(each.result, Appended))
    stream = appended.stream

    def found(*, appends: list[Appending] | None = None, loads: list[Loading] | None = None) -> list[str]:
        clients_of_history = Clients(pool=clients.pool, seed=1, streams=clients.streams)
        clients_of_history.appends = clients.appends if appends is None else [*clients.appends, *appends]
        clients_of_history.loads = clients.loads if loads is None else [*clients.loads, *loads]
        return anomalies(clients_of_history, log)

    lost = replace(appended, events=(EventId(uuid.uuid4()),))
    kept = replace(appended, result=VersionConflict(actual_version=9))
    stale = Loading(called=appended.answered + 1000, answered=appended.answered + 1001, stream=stream, found=())
    early = Loading(called=0, answered=appended.called / 2, stream=stream, found=appended.events)
    other = Loading(called=0, answered=1e12, stream=stream, found=(EventId(uuid.uuid4()),))
    assert found() == []
    assert "was answered, and is not there" in found(appends=[lost])[0]
    assert "conflicted, and is there" in found(appends=[kept])[0]
    assert "saw 0 events" in found(loads=[stale])[0]
    assert any("appended later" in each for each in found(loads=[early]))
    assert "no beginning of it" in found(loads=[other])[0]

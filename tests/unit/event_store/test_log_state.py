"""What a process hears of the log, and of whose messages a consumer takes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import psycopg
import pytest

from event_store import database_log, log_monitor
from event_store.database_log import DatabaseLog
from event_store.log_monitor import LogMonitor
from event_store.store import Connection, LogState
from infra.kafka.consumer.own_log import ForeignCluster
from infra.postgres.pool import Pool
from infra.process.health import Unhealthy
from schemas.cloudevents import Delivered
from tests.support.log_entries import OPEN_LOG


class Said:
    """A connection, and a pool of it, on a log whose state is `state`."""

    def __init__(self, state: LogState | Exception) -> None:
        self.state = state
        self.closed = False
        self.ended: list[str] = []

    async def commit(self) -> None:
        self.ended.append("commit")

    async def rollback(self) -> None:
        self.ended.append("rollback")

    @asynccontextmanager
    async def connection(self, *_: object, **__: object) -> AsyncIterator["Said"]:
        yield self


async def read_said(said: Any) -> LogState:
    if isinstance(said.state, Exception):
        raise said.state
    return cast("LogState", said.state)


@pytest.fixture(autouse=True)
def _reads_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_monitor, "read_log_state", read_said)
    monkeypatch.setattr(database_log, "read_log_state", read_said)


CLOSED = replace(OPEN_LOG, closed_because="it lacks an event")


async def test_a_new_connection_tells_of_the_epoch() -> None:
    monitor, said = LogMonitor(), Said(OPEN_LOG)
    await monitor.on_connect(cast("Connection", said))
    assert (monitor.epoch, said.ended) == (1, ["commit"])
    await monitor.on_connect(cast("Connection", Said(replace(OPEN_LOG, epoch=2))))
    assert monitor.epoch == 2


async def test_a_closed_log_has_no_epoch_and_is_not_ready() -> None:
    monitor = LogMonitor()
    with pytest.raises(Unhealthy, match="the log is closed: it lacks an event"):
        await monitor.check(cast("Pool", Said(CLOSED)))
    assert monitor.epoch is None
    await monitor.check(cast("Pool", Said(OPEN_LOG)))
    assert monitor.epoch == 1


async def test_a_database_that_does_not_answer_makes_the_epoch_unknown() -> None:
    monitor = LogMonitor()
    await monitor.check(cast("Pool", Said(OPEN_LOG)))
    said = Said(psycopg.OperationalError("gone"))
    await monitor.on_connect(cast("Connection", said))
    assert (monitor.epoch, said.ended) == (None, ["rollback"])
    with pytest.raises(Unhealthy, match="database not available"):
        await monitor.check(cast("Pool", said))


class Message:
    def __init__(self, log_id: UUID | None) -> None:
        self.log_id = log_id


async def test_messages_of_another_log_are_refused_and_of_older_versions_taken() -> None:
    log = DatabaseLog(cast("Pool", Said(OPEN_LOG)))

    async def check_origin(*log_ids: UUID | None) -> None:
        await log.check_origin([cast("Delivered", Message(log_id)) for log_id in log_ids])

    await check_origin(OPEN_LOG.log_id, None)
    with pytest.raises(ForeignCluster):
        await check_origin(OPEN_LOG.log_id, UUID(int=99))


async def test_the_epoch_is_not_known_while_the_log_is_closed_or_silent() -> None:
    for state, epoch in (
        (OPEN_LOG, 1),
        (CLOSED, None),
        (psycopg.OperationalError("gone"), None),
        (TimeoutError(), None),
    ):
        assert await DatabaseLog(cast("Pool", Said(state))).epoch() == epoch

"""PostgreSQL keeps the contracts that the log in memory keeps."""

import pytest

from event_store.appends import Append, AppendResult
from event_store.event_log import ConnectionLog, EventLog, GroupCommitLog
from event_store.group_commit import GroupCommit
from event_store.store import Connection
from infra.postgres.pool import Pool
from tests.unit.event_store.decide_contract import DecideContract
from tests.unit.event_store.event_log_contract import AppendingLog, EventLogContract

pytestmark = pytest.mark.integration


class AppendingGroupCommitLog(GroupCommitLog):
    async def append(self, item: Append) -> AppendResult:
        (result,) = await self.append_many([item])
        return result


class AppendingConnectionLog(ConnectionLog):
    async def append(self, item: Append) -> AppendResult:
        (result,) = await self.append_many([item])
        return result


class OnPool:
    @pytest.fixture(autouse=True)
    def _on(self, pool: Pool) -> None:
        self._pool = pool


class OnConnection:
    @pytest.fixture(autouse=True)
    def _on(self, app: Connection) -> None:
        self._connection = app


class TestGroupCommitLog(OnPool, EventLogContract):
    def store(self) -> AppendingLog:
        return AppendingGroupCommitLog(self._pool, GroupCommit(self._pool))


class TestConnectionLog(OnConnection, EventLogContract):
    def store(self) -> AppendingLog:
        return AppendingConnectionLog(self._connection)


class TestDecideByGroupCommit(OnPool, DecideContract):
    def log(self) -> EventLog:
        return GroupCommitLog(self._pool, GroupCommit(self._pool))


class TestDecideInTransaction(OnConnection, DecideContract):
    def log(self) -> EventLog:
        return ConnectionLog(self._connection)

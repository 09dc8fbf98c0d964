"""The log in memory keeps the contracts that PostgreSQL keeps."""

from event_store.event_log import EventLog
from event_store.fakes import MemoryEventLog
from tests.unit.event_store.decide_contract import DecideContract
from tests.unit.event_store.event_log_contract import AppendingLog, EventLogContract


class TestMemoryEventLog(EventLogContract):
    def store(self) -> AppendingLog:
        return MemoryEventLog()


class TestDecideInMemory(DecideContract):
    def log(self) -> EventLog:
        return MemoryEventLog()

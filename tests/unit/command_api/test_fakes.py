"""The stand-ins keep the contract of what they stand in for."""

from command_api.answer_cache import AnswerCache
from command_api.fakes import MemoryAnswerCache, MemoryEventStore
from tests.unit.command_api.protocol_contracts import AnswerCacheContract, EventStore, EventStoreContract


class TestMemoryEventStore(EventStoreContract):
    def store(self) -> EventStore:
        return MemoryEventStore()


class TestMemoryAnswerCache(AnswerCacheContract):
    def cache(self) -> AnswerCache:
        return MemoryAnswerCache()

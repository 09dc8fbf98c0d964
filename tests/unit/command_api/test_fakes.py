"""The stand-ins keep the contract of what they stand in for."""

from command_api.commands.response_cache import ResponseCache
from command_api.fakes import MemoryResponseCache
from tests.unit.command_api.commands.response_cache_contract import ResponseCacheContract


class TestMemoryResponseCache(ResponseCacheContract):
    def cache(self) -> ResponseCache:
        return MemoryResponseCache()

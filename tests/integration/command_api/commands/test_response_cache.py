"""Redis keeps the contract that its stand-in keeps."""

import pytest
from redis.asyncio import Redis

from command_api.commands.response_cache import RedisResponseCache, ResponseCache
from tests.unit.command_api.commands.response_cache_contract import ResponseCacheContract

pytestmark = pytest.mark.integration


class TestRedisResponseCache(ResponseCacheContract):
    @pytest.fixture(autouse=True)
    def _on(self, redis: Redis) -> None:
        self._redis = redis

    def cache(self) -> ResponseCache:
        return RedisResponseCache(self._redis, timeout_s=0.2, epoch=lambda: 1)

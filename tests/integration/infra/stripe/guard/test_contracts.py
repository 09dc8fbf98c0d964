"""Redis keeps the contract that the shared bucket in memory keeps."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from infra.embedded.ports import free_port
from infra.redis.client import connect_redis
from infra.stripe.guard.redis_token_bucket import RedisTokenBucket
from infra.stripe.guard.token_bucket import SharedTokenBucket, TokenBucketRules
from tests.unit.infra.stripe.guard.shared_bucket_contract import SharedBucketContract

pytestmark = pytest.mark.integration


class TestRedisBucket(SharedBucketContract):
    @pytest_asyncio.fixture(autouse=True)
    async def _on(self, redis: Redis) -> AsyncIterator[None]:
        self._redis = redis
        self._away = connect_redis(f"redis://127.0.0.1:{free_port()}", timeout_s=0.2)
        yield
        await self._away.aclose()

    def bucket(self, rules: TokenBucketRules) -> SharedTokenBucket:
        return RedisTokenBucket(self._redis, "contract", rules)

    def bucket_away(self) -> SharedTokenBucket:
        return RedisTokenBucket(self._away, "contract", TokenBucketRules(limit=111))

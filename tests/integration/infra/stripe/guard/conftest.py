"""A Valkey that a test may stop, and rate limits over it as several processes would have them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest_asyncio
from redis.asyncio import Redis

from infra.embedded.valkey import ValkeyServer
from infra.redis.client import connect_redis
from infra.stripe.guard.rate_limit import RateLimit
from infra.stripe.guard.redis_token_bucket import RedisTokenBucket
from infra.stripe.guard.token_bucket import TokenBucketRules
from tests.integration.infra.stripe.guard.rate_limit_process import StartProcess


@pytest_asyncio.fixture
async def redis(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    client = connect_redis(valkey.url, timeout_s=10)
    yield client
    await client.aclose()


@pytest_asyncio.fixture
async def process(valkey: ValkeyServer) -> AsyncIterator[StartProcess]:
    """Makes the rate limit of another process, with connections of its own."""
    async with AsyncExitStack() as closing:

        def start(rules: TokenBucketRules, *, processes: int = 1, max_wait_s: float = 30) -> RateLimit:
            client = connect_redis(valkey.url, timeout_s=10)  # one that is slow is not away: each would count alone
            closing.push_async_callback(client.aclose)
            return RateLimit(rules, RedisTokenBucket(client, "test", rules), processes=processes, max_wait_s=max_wait_s)

        yield start

"""The command API on a real PostgreSQL and a real Valkey, called without a network."""

from collections.abc import AsyncIterator

import pytest_asyncio
from pydantic import SecretStr
from redis.asyncio import Redis

from infra.embedded.valkey import ValkeyServer
from infra.postgres.pool import Pool
from infra.redis.client import create_redis
from infra.settings.redis import RedisSettings
from tests.integration.command_api.running_api import Running, running


@pytest_asyncio.fixture
async def redis(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    client = create_redis(RedisSettings(redis_url=SecretStr(valkey.url)))
    yield client
    await client.aclose()


@pytest_asyncio.fixture
async def api(pool: Pool, redis: Redis) -> AsyncIterator[Running]:
    async with running(pool, redis) as started:
        yield started

"""The command API on a real PostgreSQL and a real Valkey, called without a network."""

from collections.abc import AsyncIterator

import pytest_asyncio
from redis.asyncio import Redis

from infra.access.keyring import ApiKeyring
from infra.postgres.pool import Pool
from tests.integration.command_api.running_api import Running, key, running


@pytest_asyncio.fixture
async def api(pool: Pool, redis: Redis) -> AsyncIterator[Running]:
    async with running(pool, redis) as started:
        yield started


@pytest_asyncio.fixture
async def staff(pool: Pool, redis: Redis) -> AsyncIterator[Running]:
    """It is called by the back office, on behalf of its staff."""
    keys = ApiKeyring([key("staff", "admin:read", "admin:write", "actor:set"), key("reader", "admin:read")])
    async with running(pool, redis, keys=keys, api_key="sk_staff") as started:
        yield started

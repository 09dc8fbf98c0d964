"""The command API on a real PostgreSQL and a real Valkey, called without a network."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pydantic import SecretStr
from redis.asyncio import Redis

from infra.embedded.home import Home
from infra.embedded.passwords import load_or_create
from infra.embedded.ports import free_port
from infra.embedded.valkey import ValkeyServer
from infra.postgres import Pool, create_pool
from infra.redis import create_redis
from infra.settings import RedisSettings
from tests.integration.command_api.running_api import Running, running
from tests.support.database import Database


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def session_valkey(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ValkeyServer]:
    home = Home(tmp_path_factory.mktemp("valkey"))
    home.open()
    server = ValkeyServer(home, port=free_port(), password=load_or_create(home).valkey)
    await server.start()
    try:
        await server.wait_ready()
        yield server
    finally:
        await server.stop()
        home.close()


@pytest_asyncio.fixture
async def valkey(session_valkey: ValkeyServer) -> ValkeyServer:
    """An empty Valkey; a test may stop it."""
    if not session_valkey.running:
        await session_valkey.start()
        await session_valkey.wait_ready()
    await session_valkey.flush()
    return session_valkey


@pytest_asyncio.fixture
async def redis(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    client = create_redis(RedisSettings(redis_url=SecretStr(valkey.url)))
    yield client
    await client.aclose()


@pytest_asyncio.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    async with create_pool(database.url("app"), size=8, name="test") as opened:
        yield opened


@pytest_asyncio.fixture
async def api(pool: Pool, redis: Redis) -> AsyncIterator[Running]:
    async with running(pool, redis) as started:
        yield started

"""A Valkey that a test may stop, and rate limits over it as several processes would have them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from infra.embedded.home import Home
from infra.embedded.ports import free_port
from infra.embedded.valkey import ValkeyServer
from infra.redis import connect_redis
from infra.stripe_guard.bucket import Pace
from infra.stripe_guard.rate_limit import RateLimit
from infra.stripe_guard.redis_bucket import RedisBucket
from tests.integration.infra.stripe_guard.rate_limit_process import StartProcess


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def guard_valkey(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ValkeyServer]:
    with Home(tmp_path_factory.mktemp("valkey")) as home:
        server = ValkeyServer(home, port=free_port(), password="not-too-fast")
        await server.start()
        try:
            await server.wait_ready()
            yield server
        finally:
            await server.stop()


@pytest_asyncio.fixture
async def valkey(guard_valkey: ValkeyServer) -> ValkeyServer:
    """An empty Valkey; a test may stop it."""
    if not guard_valkey.running:
        await guard_valkey.restart()
    await guard_valkey.flush()
    return guard_valkey


@pytest_asyncio.fixture
async def redis(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    client = connect_redis(valkey.url, timeout_s=0.2)
    yield client
    await client.aclose()


@pytest_asyncio.fixture
async def process(valkey: ValkeyServer) -> AsyncIterator[StartProcess]:
    """Makes the rate limit of another process, with connections of its own."""
    async with AsyncExitStack() as closing:

        def start(pace: Pace, *, processes: int = 1, max_wait_s: float = 30) -> RateLimit:
            client = connect_redis(valkey.url, timeout_s=0.2)
            closing.push_async_callback(client.aclose)
            return RateLimit(pace, RedisBucket(client, "test", pace), processes=processes, max_wait_s=max_wait_s)

        yield start

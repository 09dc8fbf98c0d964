"""Five independent Valkeys, and locks over them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from infra.embedded.home import Home
from infra.embedded.ports import free_port
from infra.embedded.valkey import ValkeyServer
from infra.redis.redlock import Redlock, RedlockSettings, open_redlock
from tests.integration.infra.redis.redlock.valkeys import Connect, Valkeys

SERVERS = 5


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def session_valkeys(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Valkeys]:
    async with AsyncExitStack() as closing:
        servers = []
        for _ in range(SERVERS):
            home = closing.enter_context(Home(tmp_path_factory.mktemp("valkey")))
            server = ValkeyServer(home, port=free_port(), password="lock-and-key")
            await server.start()
            closing.push_async_callback(server.stop)
            await server.wait_ready()
            servers.append(server)
        yield Valkeys(servers=servers)


@pytest_asyncio.fixture
async def valkeys(session_valkeys: Valkeys) -> AsyncIterator[Valkeys]:
    await session_valkeys.repair()
    yield session_valkeys
    await session_valkeys.repair()


@pytest_asyncio.fixture
async def connect(valkeys: Valkeys) -> AsyncIterator[Connect]:
    """Without `urls` to all five; with the guard against restarts only when asked for: it needs seconds."""
    async with AsyncExitStack() as closing:

        async def redlock(*urls: str, guard: bool = False, timeout_ms: int = 400) -> Redlock:
            settings = RedlockSettings.model_validate(
                {
                    "redis_url": valkeys.urls[0],
                    "redlock_urls": ",".join(urls or valkeys.urls),
                    "redlock_restart_guard": guard,
                    "redlock_server_timeout_ms": timeout_ms,
                }
            )
            return await closing.enter_async_context(open_redlock(settings))

        yield redlock

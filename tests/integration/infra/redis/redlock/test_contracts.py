"""A Valkey keeps the contract that the lock server in memory keeps."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from infra.embedded.ports import free_port
from infra.embedded.valkey import ValkeyServer
from infra.redis.client import connect_redis
from infra.redis.redlock.servers import RedisServer, Server
from tests.unit.infra.redis.redlock.server_contract import ServerContract

pytestmark = pytest.mark.integration

TIMEOUT_S = 5.0


class TestRedisServer(ServerContract):
    @pytest_asyncio.fixture(autouse=True)
    async def _on(self, valkey: ValkeyServer) -> AsyncIterator[None]:
        async with AsyncExitStack() as closing:
            self._url, self._closing = valkey.url, closing
            yield

    def server(self) -> Server:
        return self._at(self._url)

    def server_away(self) -> Server:
        return self._at(f"redis://127.0.0.1:{free_port()}")

    def _at(self, url: str) -> Server:
        server = RedisServer(connect_redis(url, timeout_s=TIMEOUT_S), address="contract", timeout_s=TIMEOUT_S)
        self._closing.push_async_callback(server.aclose)
        return server

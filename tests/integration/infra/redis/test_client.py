import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

import pytest
from redis.exceptions import RedisError

from infra.embedded.home import Home
from infra.embedded.ports import free_port
from infra.embedded.valkey import ValkeyServer
from infra.process.health import Unhealthy
from infra.redis.client import create_redis, redis_check
from infra.settings.redis import RedisSettings

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def settings(url: str, timeout_ms: int = 1000) -> RedisSettings:
    return RedisSettings.model_validate({"redis_url": url, "redis_timeout_ms": timeout_ms})


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ValkeyServer]:
    home = Home(tmp_path / "home")
    home.open()
    server = ValkeyServer(home, port=free_port(), password="hunter2")
    await server.start()
    await server.wait_ready()
    yield server
    await server.stop()
    home.close()


async def test_after_a_restart_no_command_meets_a_dead_connection(server: ValkeyServer) -> None:
    redis = create_redis(settings(server.url))
    await asyncio.gather(*(redis.set(f"key-{number}", b"1") for number in range(8)))

    await server.stop()
    with pytest.raises(RedisError):
        await redis.get("key-1")
    with pytest.raises(Unhealthy):
        await redis_check(redis)()
    await server.start()
    await server.wait_ready()

    assert await asyncio.gather(*(redis.get(f"key-{number}") for number in range(8))) == [None] * 8
    await redis_check(redis)()
    await redis.aclose()


async def test_a_server_that_does_not_answer_costs_one_time_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        redis = create_redis(settings(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", timeout_ms=500))
        started = monotonic()
        with pytest.raises(RedisError):
            await redis.get("key")
        assert monotonic() - started < 0.95
        await redis.aclose()

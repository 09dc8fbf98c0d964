"""Redis over TLS as the settings say it, before a real Valkey."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from infra.embedded.valkey import ValkeyServer
from infra.redis.client import create_redis
from infra.redis.redlock import RedlockSettings
from infra.redis.redlock.settings import open_redlock
from infra.settings.redis import RedisSettings
from tests.support.certificates import LOCAL, Authority
from tests.support.tls_front import TlsFront, tls_front

pytestmark = pytest.mark.integration


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@asynccontextmanager
async def front(
    valkey: ValkeyServer, authority: Authority, *, host: str = LOCAL, asks_clients: bool = False
) -> AsyncIterator[TlsFront]:
    clients_of = authority.file if asks_clients else None
    async with tls_front(valkey.port, authority.certify("server", host=host), clients_of=clients_of) as running:
        yield running


def url_of(valkey: ValkeyServer, port: int) -> str:
    """Return the address of the same server by way of the front."""
    return valkey.url.replace("redis://", "rediss://").replace(f":{valkey.port}/", f":{port}/")


async def ask(url: str, **settings: Any) -> None:
    redis = create_redis(RedisSettings.model_validate({"redis_url": url, "redis_timeout_ms": 2000, **settings}))
    try:
        assert await redis.ping()
    finally:
        await redis.aclose()


async def test_a_server_is_verified_by_its_authority_and_its_name(
    valkey: ValkeyServer, authority: Authority, tmp_path: Path
) -> None:
    async with front(valkey, authority) as running:
        url = url_of(valkey, running.port)
        await ask(url, redis_ssl_ca_file=authority.file)
        with pytest.raises(RedisConnectionError, match="certificate verify failed"):
            await ask(url, redis_ssl_ca_file=Authority(tmp_path, "stranger").file)
        with pytest.raises(RedisConnectionError, match="certificate verify failed"):
            await ask(url)  # who the machine trusts did not sign it
        await ask(url, redis_ssl_verify="none")


async def test_another_servers_certificate_passes_only_when_names_do_not_count(
    valkey: ValkeyServer, authority: Authority
) -> None:
    async with front(valkey, authority, host="elsewhere.example") as running:
        url = url_of(valkey, running.port)
        with pytest.raises(RedisConnectionError, match="certificate verify failed"):
            await ask(url, redis_ssl_ca_file=authority.file)
        await ask(url, redis_ssl_ca_file=authority.file, redis_ssl_verify="ca")


async def test_a_certificate_of_ours_is_shown_to_who_asks(valkey: ValkeyServer, authority: Authority) -> None:
    ours = authority.certify("paystream", host=None)
    async with front(valkey, authority, asks_clients=True) as running:
        url = url_of(valkey, running.port)
        with pytest.raises(RedisConnectionError):
            await ask(url, redis_ssl_ca_file=authority.file)
        await ask(
            url,
            redis_ssl_ca_file=authority.file,
            redis_ssl_cert_file=ours.certificate,
            redis_ssl_key_file=ours.key,
        )
        assert "paystream" in running.subjects


async def test_locks_are_taken_over_tls_too(valkey: ValkeyServer, authority: Authority) -> None:
    async with front(valkey, authority) as running:
        url = url_of(valkey, running.port)
        settings = RedlockSettings.model_validate(
            {
                "redis_url": url,
                "redlock_urls": url,
                "redis_ssl_ca_file": authority.file,
                "redlock_server_timeout_ms": 2000,
                "redlock_restart_guard": False,
            }
        )
        async with open_redlock(settings) as redlock, redlock.lock("tls-test", ttl_ms=20_000) as lease:
            assert lease is not None

"""Settings of the locks, and the `Redlock` made of them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from infra.redis.client import connect_redis
from infra.redis.redlock.redlock import Redlock
from infra.redis.redlock.servers import RedisServer
from infra.settings.redis import RedisSettings


class RedlockSettings(RedisSettings):
    """The lock servers."""

    redlock_urls: Annotated[tuple[SecretStr, ...], NoDecode, Field(validate_default=True)] = ()
    """Comma-separated; independent primaries, best 3 or 5. Default: the one server of REDIS_URL."""
    redlock_server_timeout_ms: Annotated[int, Field(ge=1)] = 100
    """How long one server may take to answer, a new connection included; a small part of every lock's TTL."""
    redlock_restart_guard: bool = True
    """Whether a server that was just started waits one TTL before it votes: it may have lost locks that are held."""

    @field_validator("redlock_urls", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(url.strip() for url in value.split(",") if url.strip())

    @field_validator("redlock_urls")
    @classmethod
    def _distinct(cls, urls: tuple[SecretStr, ...], info: ValidationInfo) -> tuple[SecretStr, ...]:
        default = info.data.get("redis_url")
        if not urls:
            return () if default is None else (default,)
        try:
            addresses = [_address(url) for url in urls]
        except ValueError:
            # "from None": the cause holds a part of the value.
            raise ValueError("must be a list like redis://host:6379/0,redis://other:6379/0") from None
        if len(set(addresses)) != len(addresses):
            raise ValueError("names a server twice: its vote would count twice")
        return urls


def _address(url: SecretStr) -> str:
    """Return what can be shown of it: host and port, or the path of a socket. Raises ValueError."""
    parts = urlsplit(url.get_secret_value())
    if parts.scheme == "unix" and parts.path:
        return parts.path
    if parts.scheme in {"redis", "rediss"} and parts.hostname:
        return f"{parts.hostname}:{parts.port or 6379}"
    raise ValueError


@asynccontextmanager
async def open_redlock(settings: RedlockSettings) -> AsyncIterator[Redlock]:
    """Lend the locks of these settings, and close their connections. Opens none: servers may be away."""
    timeout_s = settings.redlock_server_timeout_ms / 1000
    async with AsyncExitStack() as closing:
        servers = []
        for url in settings.redlock_urls:
            redis = connect_redis(url.get_secret_value(), timeout_s=timeout_s)
            server = RedisServer(redis, address=_address(url), timeout_s=timeout_s)
            closing.push_async_callback(server.aclose)
            servers.append(server)
        yield Redlock(servers, restart_guard=settings.redlock_restart_guard)

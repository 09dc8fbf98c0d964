"""Asks one server for its name, version and role."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError

from infra.doctor.addresses import QUOTE, UNREADABLE, redis_address
from infra.redis.client import connect_redis

TIMEOUT_S = 2.0
"""For each wait; whether it is as fast as our processes want it is another question."""
_REFUSED = ("NOAUTH", "WRONGPASS", "invalid username-password", "without any password configured")


@dataclass(frozen=True, kw_only=True, slots=True)
class RedisStatus:
    """What a server says. Without INFO (an ACL may refuse it) it has no name, version or run id."""

    address: str
    seconds: float
    """A round trip, the best of three."""
    name: str = ""
    version: str = ""
    run_id: str = ""
    role: str = "master"
    clustered: bool = False


class NoRedis(Exception):
    """It does not answer, or refuses us (`refused`)."""

    def __init__(self, address: str, reason: str, *, refused: bool) -> None:
        super().__init__(f"{address} {reason}")
        self.refused = refused


async def ask(url: str) -> RedisStatus:
    """Connect, ask and close. Raises NoRedis."""
    address = redis_address(url)
    if address == UNREADABLE:
        raise NoRedis("The server", f"has {UNREADABLE}. {QUOTE}", refused=False)
    redis = connect_redis(url, timeout_s=TIMEOUT_S)
    try:
        await redis.ping()
        seconds = min([await _timed(redis.ping) for _ in range(3)])
        try:
            info = await redis.info("everything")
        except (NoPermissionError, ResponseError):
            info = {}
    except (RedisError, OSError) as error:
        text = str(error) or type(error).__name__
        refused = isinstance(error, AuthenticationError) or any(each in text for each in _REFUSED)
        how = "refuses the login" if refused else "does not answer"
        raise NoRedis(address, f"{how}: {text}", refused=refused) from error
    finally:
        await redis.aclose()
    return status_of(info, address=address, seconds=seconds)


def status_of(info: Mapping[str, object], *, address: str, seconds: float) -> RedisStatus:
    """Return what INFO says: https://redis.io/docs/latest/commands/info/."""
    valkey = info.get("valkey_version")
    return RedisStatus(
        address=address,
        seconds=seconds,
        name="Valkey" if valkey else "Redis",
        version=str(valkey or info.get("redis_version", "")),
        run_id=str(info.get("run_id", "")),
        role=str(info.get("role", "master")),
        clustered=str(info.get("cluster_enabled", "0")) == "1",
    )


async def _timed(ping: object) -> float:
    began = time.perf_counter()
    await ping()  # type: ignore[operator]
    return time.perf_counter() - began

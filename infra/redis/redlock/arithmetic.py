"""The numbers of Redlock: how many servers decide, and how long a lease can be believed. Pure."""

import time

_DRIFT_RATE = 0.01
_DRIFT_S = 0.002
_UPTIME_ROUNDING_S = 1


def majority(servers: int) -> int:
    """Return how many of so many servers must agree. Two majorities always share a server."""
    return servers // 2 + 1


def drift_s(ttl_s: float) -> float:
    """Return by how much clocks may differ over `ttl_s`: 1 %, and 2 ms for Redis' own precision of expiry."""
    return ttl_s * _DRIFT_RATE + _DRIFT_S


def valid_until(started: float, ttl_s: float) -> float:
    """Return the moment until which a lease can be believed that was asked for at `started`, on the same clock.

    What the asking took counts as gone: the first server may have set its key at once.
    """
    return started + ttl_s - drift_s(ttl_s)


def least_uptime_s(ttl_s: float) -> int:
    """Return how long a server must be up before it votes: then no key that it may have lost is believed any more.

    Redis tells its uptime as a difference of full seconds, which can be a second too long.
    """
    return int(ttl_s) + 1 + _UPTIME_ROUNDING_S


def boot_clock() -> float:
    """Return seconds on a clock that is never set and, where the machine has such a one, goes on while it sleeps."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()  # macOS and Windows have no other

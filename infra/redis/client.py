"""Redis (or Valkey): answers fast or fails fast, since nothing depends on it for correctness."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig

from infra.process.health import Check, Unhealthy
from infra.settings.redis import RedisSettings

_MAX_CONNECTIONS = 64


def create_redis(settings: RedisSettings) -> Redis:
    """Return a client of the server at REDIS_URL; each wait ends after REDIS_TIMEOUT_MS. See `connect_redis`."""
    return connect_redis(settings.redis_url.get_secret_value(), timeout_s=settings.redis_timeout_ms / 1000)


def connect_redis(url: str, *, timeout_s: float) -> Redis:
    """Return a client of byte strings; each wait (for a connection, an answer) ends after `timeout_s`.

    Commands are not sent again by themselves: a second `SET NX` of a caller that holds the key would say that
    somebody else does. Raises `redis.exceptions.RedisError`. Close it with `aclose()`.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_MAX_CONNECTIONS,
        timeout=timeout_s,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        # A managed service's extension. While it is on, the pool does not look for closed connections.
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
    return Redis.from_pool(pool)


def redis_check(redis: Redis) -> Check:
    """Return a check that asks Redis; add it with `required=False`, since its loss only costs speed."""

    async def check() -> None:
        try:
            await redis.ping()
        except (RedisError, OSError) as error:
            raise Unhealthy("redis not available") from error

    return check

"""The query API as a process: what `paystream query-api` runs."""

from contextlib import AsyncExitStack

from infra.access.keyring import ApiKeyring
from infra.access.watch import KeyWatch
from infra.http.rate_limit.limiter import RateLimiter
from infra.http.rate_limit.shared import RedisBuckets
from infra.http.server import serve as serve_http
from infra.postgres.pool import Pool, postgres_check
from infra.process.runtime import Runtime
from infra.process.service import Service
from infra.redis.client import connect_redis
from projections.audit.proof_files import ProofFiles
from projections.audit.seals import required_witnesses
from query_api.app import create_app
from query_api.database import NAME, create_read_pool
from query_api.freshness import Freshness
from query_api.settings import QueryApiSettings

_HISTORY_CONNECTIONS = 2


async def serve(runtime: Runtime, settings: QueryApiSettings) -> None:
    """Serve HTTP until `runtime.stop` is set."""
    pool = create_read_pool(
        settings.read_database_url.get_secret_value(),
        size=settings.read_database_pool_size,
        timeout_ms=settings.query_timeout_ms,
        pooling=settings.pooling,
        max_waiting=settings.query_max_waiting,
    )
    history = _history_pool(settings)
    witnesses = required_witnesses(settings)
    runtime.health.add_readiness("database", postgres_check(pool))
    keyring = ApiKeyring.from_settings(settings)
    async with AsyncExitStack() as stack:
        for each in (pool, *([] if history is None else [history])):
            await stack.enter_async_context(each)
        watch = KeyWatch(pool, keyring, interval_s=settings.api_keys_refresh_ms / 1000)
        await stack.enter_async_context(watch.running())
        app = create_app(
            pool,
            Freshness(pool, wait_ms=settings.query_min_position_wait_ms),
            keyring=keyring,
            health=runtime.health,
            anonymous_merchant_id=settings.query_anonymous_merchant_id,
            history=history,
            witnesses=witnesses,
            proofs=ProofFiles.from_settings(settings, witnesses),
            cors_allowed_origins=settings.cors_allowed_origins,
            rate_limiter=_rate_limiter(settings, stack),
            cell=settings.cell,
        )
        await serve_http(app, settings.query_api_host, settings.query_api_port, runtime)


def _rate_limiter(settings: QueryApiSettings, stack: AsyncExitStack) -> RateLimiter:
    """Return what limits keys: with all processes together if there is a Redis."""
    timeout_s = settings.redis_timeout_ms / 1000
    shared = None
    if settings.redis_url is not None:
        redis = connect_redis(settings.redis_url.get_secret_value(), timeout_s=timeout_s)
        stack.push_async_callback(redis.aclose)
        shared = RedisBuckets(redis)
    limiter = RateLimiter.from_settings(settings, shared, timeout_s=timeout_s)
    stack.push_async_callback(limiter.close)
    return limiter


def _history_pool(settings: QueryApiSettings) -> Pool | None:
    """Return a pool for what payments were; it is small, as few ask for that."""
    if settings.audit_database_url is None:
        return None
    url = settings.audit_database_url.get_secret_value()
    return create_read_pool(
        url, size=_HISTORY_CONNECTIONS, timeout_ms=settings.query_timeout_ms, max_waiting=settings.query_max_waiting
    )


SERVICE = Service(name=NAME, settings=QueryApiSettings, serve=serve, serves_http=True)

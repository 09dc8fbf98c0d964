"""The query API as a process: what `paystream query-api` runs."""

from infra.http.auth import ApiKeyring
from infra.http.server import serve as serve_http
from infra.postgres.pool import postgres_check
from infra.process.runtime import Runtime
from infra.process.service import Service
from query_api.app import create_app
from query_api.database import NAME, create_read_pool
from query_api.freshness import Freshness
from query_api.settings import QueryApiSettings


async def serve(runtime: Runtime, settings: QueryApiSettings) -> None:
    """Serve HTTP until `runtime.stop` is set."""
    pool = create_read_pool(
        settings.read_database_url.get_secret_value(),
        size=settings.read_database_pool_size,
        timeout_ms=settings.query_timeout_ms,
    )
    runtime.health.add_readiness("database", postgres_check(pool))
    app = create_app(
        pool,
        Freshness(pool, wait_ms=settings.query_min_position_wait_ms),
        keyring=ApiKeyring.from_settings(settings),
        health=runtime.health,
        anonymous_merchant_id=settings.query_anonymous_merchant_id,
    )
    async with pool:
        await serve_http(app, settings.query_api_host, settings.query_api_port, runtime)


SERVICE = Service(name=NAME, settings=QueryApiSettings, serve=serve, serves_http=True)

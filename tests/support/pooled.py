"""pytest's option `--pgbouncer`: what the processes' pools do goes through a real PgBouncer in transaction mode.

Every pool of the code and of the tests is led to one before the session's PostgreSQL, but those that are made for
sessions; the connections that tests open themselves are not. Processes that a test starts are led there by nobody.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from infra.embedded.postgres import PostgresServer
from infra.postgres import pool as pools
from infra.postgres.pooling import Pooling
from infra.settings.postgres import PoolerSettings
from query_api.database import create_read_pool
from tests.support.pgbouncer import lacking, pgbouncer, through

OPTION = "--pgbouncer"
_POOLED = Pooling(is_transaction=True, prepares=False)
_ports: dict[int, int] = {}
_connection_string = pools.connection_string


def begin(config: pytest.Config) -> None:
    """Take the option over. Ends the session when there is no PgBouncer."""
    if not config.getoption(OPTION):
        return
    if (reason := lacking()) is not None:
        raise pytest.UsageError(reason)
    for create in (pools.create_pool, create_read_pool):
        assert create.__kwdefaults__ is not None
        create.__kwdefaults__["pooling"] = _POOLED
    PoolerSettings.pooling = property(lambda _: _POOLED)  # type: ignore[assignment, method-assign]
    pools.connection_string = _led_to_pooler


def select(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what says that it depends on PostgreSQL itself."""
    if config.getoption(OPTION):
        direct = [item for item in items if item.get_closest_marker("direct_postgres")]
        config.hook.pytest_deselected(items=direct)
        items[:] = [item for item in items if item not in direct]


@asynccontextmanager
async def before(server: PostgresServer, folder: Path, config: pytest.Config) -> AsyncIterator[None]:
    """Run the pooler before a server, where the option is given."""
    if not config.getoption(OPTION):
        yield
        return
    async with pgbouncer(server, folder) as pooler:
        _ports[server.port] = pooler.port
        try:
            yield
        finally:
            del _ports[server.port]
        assert "login attempt" in pooler.log.read_text("utf-8"), "nothing went through the pooler"


def _led_to_pooler(url: str, *, name: str, options: str, pooling: Pooling) -> str:
    port = urlsplit(url).port if "://" in url else None
    if pooling.is_transaction and port in _ports:
        url = through(url, _ports[port])
    return _connection_string(url, name=name, options=options, pooling=pooling)

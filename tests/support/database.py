"""A PostgreSQL server for a worker's session, and a migrated database of its own for each test that asks."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.databases import create_database, drop_database
from infra.embedded.home import Home
from infra.embedded.passwords import load_or_create
from infra.embedded.ports import free_port
from infra.embedded.postgres import OWNER, PostgresServer
from tests.support.prepared_home import TEMPLATE, copy_prepared

_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Database:
    """A migrated, empty database."""

    server: PostgresServer
    name: str

    def url(self, role: str) -> str:
        """Return the URL for the role `owner`, `app`, `projector` or `query`."""
        return self.server.url(OWNER if role == "owner" else f"paystream_{role}_login", self.name)


@asynccontextmanager
async def postgres_server(folder: Path, *, fsync: bool = False) -> AsyncIterator[PostgresServer]:
    """Run a server with a migrated template database and the login roles."""
    await copy_prepared(folder)
    with Home(folder) as home:
        server = PostgresServer(home, port=free_port(), passwords=load_or_create(home), fsync=fsync)
        try:
            await server.start()
            await server.wait_ready()
            yield server
        finally:
            await server.stop()


@asynccontextmanager
async def fresh_database(server: PostgresServer, *, template: str = TEMPLATE) -> AsyncIterator[Database]:
    """Lend a new database copied from a template, by default one that is empty, and drop it."""
    name = f"test_{next(_numbers)}"
    await create_database(server, name, template=template)
    try:
        yield Database(server=server, name=name)
    finally:
        await drop_database(server, name)

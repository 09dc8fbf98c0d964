"""A PostgreSQL server for the test session, and a migrated database of its own for each test that asks."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from infra.embedded.home import Home
from infra.embedded.passwords import load_or_create
from infra.embedded.ports import free_port
from infra.embedded.postgres import OWNER, PostgresServer
from infra.migrations.runner import upgrade

_TEMPLATE = "paystream_template"
_numbers = itertools.count(1)
_GROUP_ROLES = {
    "paystream_app_login": "paystream_app",
    "paystream_projector_login": "paystream_projector",
    "paystream_query_login": "paystream_query",
}


@dataclass(frozen=True, kw_only=True)
class Database:
    """A migrated, empty database."""

    server: PostgresServer
    name: str

    def url(self, role: str) -> str:
        """Return the URL for the role `owner`, `app`, `projector` or `query`."""
        return self.server.url(OWNER if role == "owner" else f"paystream_{role}_login", self.name)


@asynccontextmanager
async def postgres_server(folder: Path) -> AsyncIterator[PostgresServer]:
    """Run a server with a migrated template database and the login roles."""
    home = Home(folder)
    home.open()
    server = PostgresServer(home, port=free_port(), passwords=load_or_create(home), fsync=False)
    await server.start()
    try:
        await server.wait_ready()
        _execute(server.url(OWNER, "postgres"), f"CREATE DATABASE {_TEMPLATE}")
        upgrade(server.url(OWNER, _TEMPLATE))
        for login, password in server.logins.items():
            _execute(server.url(OWNER, "postgres"), _login(login, password))
        yield server
    finally:
        await server.stop()
        home.close()


@asynccontextmanager
async def fresh_database(server: PostgresServer) -> AsyncIterator[Database]:
    """Lend a new database copied from the template, and drop it."""
    name = f"test_{next(_numbers)}"
    maintenance = server.url(OWNER, "postgres")
    _execute(maintenance, f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
    try:
        yield Database(server=server, name=name)
    finally:
        _execute(maintenance, f"DROP DATABASE {name} WITH (FORCE)")


def _login(login: str, password: str) -> sql.Composed:
    return sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}").format(
        sql.Identifier(login), sql.Literal(password), sql.Identifier(_GROUP_ROLES[login])
    )


def _execute(url: str, statement: str | sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)

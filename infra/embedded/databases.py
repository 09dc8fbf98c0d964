"""Makes databases on an embedded PostgreSQL: the one of the stack, templates, and fast copies for tests."""

import asyncio
from pathlib import Path

import psycopg
from psycopg import sql

from infra.embedded.postgres import DATABASE, PostgresServer
from infra.migrations.revisions import is_newer

_HERE = Path(__file__).parent
_REVISIONS = _HERE.parent / "migrations" / "versions"
_GROUP_SUFFIX = "_login"


async def migrate(server: PostgresServer, *, database: str = DATABASE) -> bool:
    """Create the database and its logins, and apply the pending migrations. Return whether anything was to do."""
    url = await create_database(server, database)
    if await is_migrated(url):
        return False
    from infra.migrations.runner import upgrade  # noqa: PLC0415 - a second to import, and seldom needed

    await asyncio.to_thread(upgrade, url)
    await create_logins(server)
    async with await _connect(url) as connection:
        await connection.execute("SELECT event_store.apply_login_settings()")
    return True


async def create_database(server: PostgresServer, name: str, *, template: str = "template0") -> str:
    """Create the database `name` unless it exists, as a copy of `template`; return its URL for the owner.

    Nobody may be connected to the template meanwhile. Copying its files takes 10 ms where they are in memory, and
    100 ms on a disk; by way of the write-ahead log, PostgreSQL's default, it would take 25 ms and 130 ms.
    """
    statement = sql.SQL("CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY").format(
        name=sql.Identifier(name), template=sql.Identifier(template)
    )
    async with await _connect(server.url(database="postgres")) as connection:
        exists = await connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if await exists.fetchone() is None:
            await connection.execute(statement)
    return server.url(database=name)


async def drop_database(server: PostgresServer, name: str) -> None:
    """Drop the database `name`, ending the connections to it. Nothing happens when there is none."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {name} WITH (FORCE)").format(name=sql.Identifier(name))
    async with await _connect(server.url(database="postgres")) as connection:
        await connection.execute(statement)


async def create_logins(server: PostgresServer) -> None:
    """Make the login roles of the processes, members of the group roles that the migrations make.

    They are all that may connect, and to our databases alone: PostgreSQL lets anybody into those that it comes with.
    """
    text = (_HERE / "login_roles.sql").read_text(encoding="utf-8")
    async with await _connect(server.url(database="postgres")) as connection:
        for login, password in server.logins.items():
            statement = sql.SQL(text).format(
                login=sql.Identifier(login),
                group=sql.Identifier(login.removesuffix(_GROUP_SUFFIX)),
                password=sql.Literal(password),
            )
            await connection.execute(statement)
        await connection.execute("REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC")


async def is_migrated(database_url: str) -> bool:
    """Whether the database is at the newest revision, or a newer release's, and its logins were made.

    Alembic could tell, but takes a second to import. Revisions are one line, numbered in their file names.
    """
    newest = max(path.name[:4] for path in _REVISIONS.glob("[0-9]*.py"))
    async with await _connect(database_url) as connection:
        try:
            found = await connection.execute("SELECT version_num FROM alembic_version")
        except psycopg.errors.UndefinedTable:
            return False
        row = await found.fetchone()
        return row is not None and (row[0] == newest or is_newer(row[0], newest))


async def _connect(url: str) -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=10)

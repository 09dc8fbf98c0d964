"""More PostgreSQL servers made from one: a streaming standby, a restored backup, a new cluster with a restored dump."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg

from infra.embedded.databases import create_database, create_logins
from infra.embedded.home import Home
from infra.embedded.passwords import Passwords, load_or_create
from infra.embedded.ports import free_port
from infra.embedded.postgres import OWNER, PostgresServer
from tests.support.prepared_home import new_data_folder
from tests.support.waiting import eventually


async def backup(server: PostgresServer, *, standby: bool = False) -> Path:
    """Copy a running server's data with pg_basebackup; return the folder. `standby`: what starts on it follows it."""
    folder = new_data_folder()
    options = ["-D", str(folder / "postgres"), "-d", server.url(database="postgres"), "-c", "fast", "--no-sync"]
    await _run(server, "pg_basebackup", [*options, *(["-R"] if standby else ["-X", "stream"])], folder)
    return folder


@asynccontextmanager
async def server_on(folder: Path, home: Path, like: PostgresServer) -> AsyncIterator[PostgresServer]:
    """Run a server on copied data, with the passwords of the one it was copied from."""
    _make_home(home, folder)
    with Home(home) as opened:
        server = PostgresServer(opened, port=free_port(), passwords=like._passwords, fsync=False)
        try:
            await server.start()
            await eventually(lambda: _answers(server))
            yield server
        finally:
            await server.stop()


@asynccontextmanager
async def new_cluster(home: Path, passwords: Passwords | None = None) -> AsyncIterator[PostgresServer]:
    """Run a server whose data folder is made anew: with a system identifier of its own."""
    data = new_data_folder()
    with Home(home) as opened:
        passwords = passwords or load_or_create(opened)
        server = PostgresServer(opened, port=free_port(), passwords=passwords, fsync=False)
        server.data = data / "postgres"  # where the user that it runs as can reach it
        give(data, server)
        try:
            await server.start()
            await server.wait_ready()
            yield server
        finally:
            await server.stop()


async def dump(server: PostgresServer, database: str) -> Path:
    """Dump a database with pg_dump; return the file."""
    folder = new_data_folder()
    await _run(server, "pg_dump", ["-Fc", "-f", str(folder / "dump"), server.url(database=database)], folder)
    return folder / "dump"


async def restore(server: PostgresServer, database: str, dumped: Path, groups: Sequence[str]) -> None:
    """Load a dump into a new database of a server that has none of our roles yet."""
    await create_database(server, database)
    async with await psycopg.AsyncConnection.connect(server.url(database="postgres"), autocommit=True) as connection:
        for group in groups:
            await connection.execute(psycopg.sql.SQL("CREATE ROLE {}").format(psycopg.sql.Identifier(group)))
    await create_logins(server)
    await _run(server, "pg_restore", ["-d", server.url(database=database), str(dumped)], dumped.parent)


async def dump_rows(server: PostgresServer, database: str, table: str) -> Path:
    """Write the rows of a table as statements that leave alone what is there; return the file."""
    folder = new_data_folder()
    options = ["--data-only", "--inserts", "--on-conflict-do-nothing", "--table", table]
    await _run(server, "pg_dump", [*options, "-f", str(folder / "rows.sql"), server.url(database=database)], folder)
    return folder / "rows.sql"


async def load_rows(server: PostgresServer, database: str, dumped: Path) -> None:
    """Give such rows to another server."""
    options = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(dumped)]
    await _run(server, "psql", [*options, server.url(database=database)], dumped.parent)


async def promote(server: PostgresServer) -> None:
    """Make a standby a primary, and wait until it is."""
    async with await psycopg.AsyncConnection.connect(server.url(database="postgres"), autocommit=True) as connection:
        await connection.execute("SELECT pg_promote(wait => true, wait_seconds => 30)")


async def cut_off(standby: PostgresServer) -> None:
    """Have a standby receive nothing more."""
    async with await psycopg.AsyncConnection.connect(standby.url(database="postgres"), autocommit=True) as connection:
        await connection.execute("ALTER SYSTEM SET primary_conninfo = ''")
        await connection.execute("SELECT pg_reload_conf()")

        async def receives_nothing() -> bool:
            row = await (await connection.execute("SELECT count(*) FROM pg_stat_wal_receiver")).fetchone()
            return row == (0,)

        await eventually(receives_nothing)


async def _answers(server: PostgresServer) -> bool:
    async with await psycopg.AsyncConnection.connect(server.url(OWNER, "postgres"), connect_timeout=2):
        return True


async def _run(server: PostgresServer, program: str, arguments: Sequence[str], folder: Path) -> None:
    give(folder, server)
    command = server._command(program, arguments)
    done = await asyncio.to_thread(
        subprocess.run,
        list(command.argv),
        env=dict(command.env),
        user=command.user,
        group=command.group,
        extra_groups=None if command.user is None else [],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _make_home(home: Path, folder: Path) -> None:
    home.mkdir(parents=True)
    (home / "postgres").symlink_to(folder / "postgres")


def give(folder: Path, server: PostgresServer) -> None:
    """Make a folder the one of the user that a server runs as."""
    if (run_as := server._run_as) is not None:
        os.chown(folder, run_as.uid, run_as.gid)

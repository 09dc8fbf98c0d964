"""PostgreSQL's data, migrated and with its logins, made once for a run of the tests and copied for each server.

What it saves is what every server would do anew: two to four seconds of one core for initdb and the migrations.
"""

import asyncio
import fcntl
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg

from infra.embedded.databases import create_database, migrate
from infra.embedded.home import Home
from infra.embedded.passwords import load_or_create
from infra.embedded.ports import free_port
from infra.embedded.postgres import DATABASE, PostgresServer

TEMPLATE = "paystream_template"
"""A migrated database that nobody connects to, for `CREATE DATABASE ... TEMPLATE`."""

_DATA, _SECRETS = "postgres", "secrets.json"
_shared: Path | None = None


def share(folder: Path) -> None:
    """Name the folder in which all workers of this run find the prepared one."""
    global _shared  # noqa: PLW0603 - known when the run begins, and the same for all of it
    _shared = folder


async def copy_prepared(home: Path) -> None:
    """Fill a new home: a server that starts on it is migrated. Nothing happens when it has data already.

    The data goes where the prepared data is, into memory where there is enough of it, until the run ends: written to a
    disk, that of all servers together would hold up whoever waits for the disk, the sandbox for one.
    """
    assert _shared is not None, "the run has not begun"
    if not (home / _DATA).exists():
        prepared = await _prepared(_shared)
        await asyncio.to_thread(_copy, prepared, home, _new_folder(_shared))


def _copy(prepared: Path, home: Path, folder: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy2(prepared / _SECRETS, home)
    # cp, as the files keep their owner: PostgreSQL runs as another user when root starts it
    subprocess.run(["cp", "-a", prepared / _DATA, folder], check=True)
    (home / _DATA).symlink_to(folder / _DATA)


def new_data_folder() -> Path:
    """Make a folder for the data of one more server, where the user that it runs as can reach it."""
    assert _shared is not None, "the run has not begun"
    return _new_folder(_shared)


def _new_folder(shared: Path) -> Path:
    folder = Path(tempfile.mkdtemp(dir=shared))
    folder.chmod(0o755)
    return folder


async def _trust_restarts(server: PostgresServer) -> None:
    """Let the log of the template stay open on every server that starts on the data: no relay would open it."""
    url = server.url(database=TEMPLATE)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("UPDATE event_store.incarnation SET trusts_restarts = true")


async def _prepared(shared: Path) -> Path:
    prepared = shared / "prepared"
    with (shared / "prepared.lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)  # another worker may be making it
        if not prepared.exists():
            making = shared / "making"
            shutil.rmtree(making, ignore_errors=True)
            await _make(making)
            making.rename(prepared)
    return prepared


async def _make(folder: Path) -> None:
    with Home(folder) as home:
        server = PostgresServer(home, port=free_port(), passwords=load_or_create(home), fsync=False)
        try:
            await server.start()
            await server.wait_ready()
            await migrate(server)
            await create_database(server, TEMPLATE, template=DATABASE)
            await _trust_restarts(server)
        finally:
            await server.stop()

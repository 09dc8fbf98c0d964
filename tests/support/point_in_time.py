"""Point-in-time recovery: a PostgreSQL that archives its WAL, and a server restored from that to a moment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import psycopg

from infra.embedded.postgres import PostgresServer
from tests.support.postgres_copies import give, server_on
from tests.support.prepared_home import new_data_folder
from tests.support.waiting import eventually

_CONFIGURATION = "postgresql.auto.conf"
"""Read after postgresql.conf; a base backup has it with what `ALTER SYSTEM` wrote."""


async def archive(server: PostgresServer) -> Path:
    """Have a running server archive its write-ahead log from its next start on; return the folder."""
    folder = new_data_folder()
    give(folder, server)
    async with await psycopg.AsyncConnection.connect(_url(server), autocommit=True) as connection:
        await connection.execute("ALTER SYSTEM SET archive_mode = on")
        command = f"test ! -f {folder}/%f && cp %p {folder}/%f.part && mv {folder}/%f.part {folder}/%f"
        await connection.execute(psycopg.sql.SQL("ALTER SYSTEM SET archive_command = {}").format(command))
    return folder


async def moment(server: PostgresServer) -> datetime:
    """Return the time as the server has it: what was committed before has an earlier one."""
    async with await psycopg.AsyncConnection.connect(_url(server)) as connection:
        row = await (await connection.execute("SELECT clock_timestamp()")).fetchone()
    assert row is not None
    found = row[0]
    assert isinstance(found, datetime)
    return found


async def archive_the_rest(server: PostgresServer) -> None:
    """Have all that was written so far in the archive."""
    async with await psycopg.AsyncConnection.connect(_url(server), autocommit=True) as connection:
        row = await (await connection.execute("SELECT pg_walfile_name(pg_switch_wal())")).fetchone()
        assert row is not None

        async def archived() -> bool:
            query = "SELECT coalesce(last_archived_wal >= %s, false) FROM pg_stat_archiver"
            return await (await connection.execute(query, row)).fetchone() == (True,)

        await eventually(archived)


@asynccontextmanager
async def restored(
    base: Path, archived: Path, to: datetime, home: Path, like: PostgresServer
) -> AsyncIterator[PostgresServer]:
    """Run a server on a base backup and replay the archive up to a moment; it takes writes from then on."""
    lines = (
        f"restore_command = 'cp {archived}/%f %p'",
        f"recovery_target_time = '{to.isoformat()}'",
        "recovery_target_action = 'promote'",
        "archive_mode = off",
    )
    data = base / "postgres"
    with (data / _CONFIGURATION).open("a") as configuration:
        configuration.writelines(f"{line}\n" for line in lines)
    (data / "recovery.signal").touch()
    async with server_on(base, home, like) as server:
        await eventually(lambda: _takes_writes(server), within=60)
        yield server


async def _takes_writes(server: PostgresServer) -> bool:
    async with await psycopg.AsyncConnection.connect(_url(server)) as connection:
        return await (await connection.execute("SELECT pg_is_in_recovery()")).fetchone() == (False,)


def _url(server: PostgresServer) -> str:
    return server.url(database="postgres")

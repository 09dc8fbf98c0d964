"""PgBouncer in transaction mode before a PostgreSQL of the tests: Debian's package `pgbouncer`."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from infra.embedded.child_process import Command
from infra.embedded.component import Component
from infra.embedded.environment import base_environment
from infra.embedded.home import Home
from infra.embedded.ports import free_port
from infra.embedded.postgres import OWNER, PostgresServer
from infra.embedded.privileges import RunAs, unprivileged
from tests.support.prepared_home import new_data_folder

PROGRAM = "pgbouncer"


def lacking() -> str | None:
    """Return why nothing can be tested with it on this machine; None when it can."""
    return None if _program() else "there is no pgbouncer: apt-get install pgbouncer"


def _program() -> str | None:
    return shutil.which(PROGRAM) or shutil.which(PROGRAM, path="/usr/sbin")


class PgBouncer(Component):
    """One that lends connections to every database of a server, to all of its login roles."""

    def __init__(self, server: PostgresServer, home: Home, *, settings: Sequence[str] = ()) -> None:
        super().__init__("pgbouncer", "PgBouncer", home, port=free_port())
        self._server = server
        self._settings = settings
        self._folder = new_data_folder()

    def behind(self, url: str) -> str:
        """Return the address of the same database by way of this pooler."""
        return through(url, self.port)

    async def prepare(self) -> None:
        """Write its settings, and who may log in."""
        users = {OWNER: urlsplit(self._server.url()).password or "", **self._server.logins}
        self._write("userlist.txt", [f'"{user}" "{password}"' for user, password in users.items()])
        self._write(
            "pgbouncer.ini",
            [
                "[databases]",
                f"* = host=127.0.0.1 port={self._server.port}",
                "[pgbouncer]",
                "listen_addr = 127.0.0.1",
                f"listen_port = {self.port}",
                "unix_socket_dir =",
                "auth_type = scram-sha-256",
                f"auth_file = {self._folder / 'userlist.txt'}",
                "pool_mode = transaction",
                "default_pool_size = 8",
                "max_client_conn = 500",
                *self._settings,
            ],
        )

    def command(self) -> Command:
        """Run it in the foreground; it refuses to run as root."""
        program = _program()
        assert program is not None
        run_as = self._run_as
        return Command(
            argv=(*(run_as.prefix if run_as else ()), program, str(self._folder / "pgbouncer.ini")),
            env=base_environment(),
            cwd=self._folder,
            user=run_as.uid if run_as and not run_as.prefix else None,
            group=run_as.gid if run_as and not run_as.prefix else None,
        )

    async def is_ready(self) -> bool:
        """Whether it accepts connections."""
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    @cached_property
    def _run_as(self) -> RunAs | None:
        return unprivileged(self._folder, signal.SIGKILL)

    def _write(self, name: str, lines: Sequence[str]) -> None:
        path = self._folder / name
        path.touch(mode=0o600)
        path.write_text("\n".join((*lines, "")), encoding="utf-8")
        if self._run_as is not None:
            os.chown(path, self._run_as.uid, self._run_as.gid)


@asynccontextmanager
async def pgbouncer(server: PostgresServer, folder: Path, *, settings: Sequence[str] = ()) -> AsyncIterator[PgBouncer]:
    """Run one before a server. `settings`: more lines of its settings; the later one of a name counts."""
    with Home(folder) as home:
        pooler = PgBouncer(server, home, settings=settings)
        try:
            await pooler.start()
            await pooler.wait_ready()
            yield pooler
        finally:
            await pooler.stop()


def through(url: str, port: int) -> str:
    """Return the same address on another port."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}"))

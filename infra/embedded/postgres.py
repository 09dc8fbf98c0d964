"""The PostgreSQL server of the embedded stack: made once, then started and stopped on its own data folder."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from infra.embedded.binaries import postgres_bin
from infra.embedded.child_process import ChildProcess, Command
from infra.embedded.component import Component
from infra.embedded.environment import base_environment
from infra.embedded.errors import DataUnusable, StartFailed
from infra.embedded.home import Home
from infra.embedded.passwords import Passwords
from infra.embedded.privileges import RunAs, unprivileged

OWNER = "paystream_owner"
DATABASE = "paystream"

_INITDB_TIMEOUT_S = 120.0
_STILL_THERE_RETRY_S, _STILL_THERE_TRIES = 0.1, 50
_READY_LINE = 7  # of postmaster.pid, counted from 0: source pg_ctl.c, LOCK_FILE_LINE_PM_STATUS
_LEFT_BEHIND = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')

DATA_FOLDER = "postgres"
"""In the home."""
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a path under PAYSTREAM_HOME can be longer than a socket's may be
    "shared_buffers": "128MB",
    "max_connections": "240",
    "max_wal_size": "1GB",
    "log_checkpoints": "off",
    # Many rounds make it hard to guess a weak password; ours are 192 random bits. 4,096 cost a client 3 ms to connect.
    "scram_iterations": "1",
}
# synchronous_commit stays on: without it, what was committed is lost when the server is killed.
_WITHOUT_FSYNC = {"fsync": "off", "full_page_writes": "off"}


class PostgresServer(Component):
    """A PostgreSQL on 127.0.0.1 with passwords (SCRAM), as any user; as root it drops to an unprivileged one.

    `fsync=False` is for tests: a power failure would damage the data, a killed server does not.
    """

    # fast shutdown (roll back what is open), then immediate: https://www.postgresql.org/docs/18/server-shutdown.html
    stop_steps = ((signal.SIGINT, 3.0), (signal.SIGQUIT, 1.0))

    def __init__(self, home: Home, *, port: int, passwords: Passwords, fsync: bool = True) -> None:
        super().__init__("postgres", "PostgreSQL", home, port=port)
        self._passwords = passwords
        self._fsync = fsync
        self.data = home.path / DATA_FOLDER

    @property
    def logins(self) -> dict[str, str]:
        """The password of each login role that the processes use."""
        return {
            "paystream_app_login": self._passwords.app,
            "paystream_relay_login": self._passwords.relay,
            "paystream_projector_login": self._passwords.projector,
            "paystream_query_login": self._passwords.query,
            "paystream_audit_login": self._passwords.audit,
            "paystream_sealer_login": self._passwords.sealer,
            "paystream_erasure_login": self._passwords.erasure,
            "paystream_access_login": self._passwords.access,
        }

    def url(self, role: str = OWNER, database: str = DATABASE) -> str:
        """Return the DATABASE_URL of a login role, with its password."""
        password = self._passwords.owner if role == OWNER else self.logins[role]
        return f"postgresql://{role}:{quote(password, safe='')}@{self.address}/{database}"

    async def prepare(self) -> None:
        """Make the data folder when it is not there. Raises DataUnusable when it cannot be this server's."""
        try:
            if self._run_as is not None and not self._run_as.prefix:
                self.home.path.chmod(0o711)  # its user has to get through, and sees nothing on the way
            if self.data.exists():
                self._check_version()
                if self._run_as is not None and self.data.stat().st_uid == 0:
                    os.chown(self.data, self._run_as.uid, self._run_as.gid)
            else:
                await self._initialise()
        except PermissionError as error:
            message = f"PostgreSQL's data cannot be read ({error}). {self._remedy}"
            raise DataUnusable(message) from error

    def command(self) -> Command:
        """Run it in the foreground."""
        settings = _SETTINGS | {"port": str(self.port)} | ({} if self._fsync else _WITHOUT_FSYNC)
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return self._command("postgres", ["-D", str(self.data), *options])

    async def is_ready(self) -> bool:
        """PostgreSQL writes into its pid file that it accepts connections; reading it costs no connection."""
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return len(lines) > _READY_LINE and lines[0] == str(self.pid) and lines[_READY_LINE].strip() == "ready"

    async def wait_ready(self) -> None:
        """As for every component; a new server also waits for the last processes of one that was killed."""
        for _ in range(_STILL_THERE_TRIES):
            try:
                return await super().wait_ready()
            except _StillThere:
                await asyncio.sleep(_STILL_THERE_RETRY_S)
                await self.start()
        return await super().wait_ready()

    def failure(self, output: str, exit_code: int | None) -> Exception:
        """Say what a person can do about a server that does not start on its data."""
        if any(words in output for words in _LEFT_BEHIND):
            return _StillThere(f"An older PostgreSQL still uses {self.data}.", component=self.name)
        fatal = [line for line in output.splitlines() if "FATAL:" in line or "PANIC:" in line]
        if exit_code is None or not fatal:
            return super().failure(output, exit_code)
        reason = fatal[0].partition("FATAL:")[2].strip() or fatal[0].strip()
        return DataUnusable(f"PostgreSQL does not start: {reason}. {self._remedy} (Its log: {self.log})")

    @property
    def _remedy(self) -> str:
        return (
            f"The data is in {self.data}. Restore it from a copy, choose another folder with PAYSTREAM_HOME, or remove "
            f"{self.home.path} to begin anew (its payments are then gone)."
        )

    @cached_property
    def _run_as(self) -> RunAs | None:
        return unprivileged(self.data, signal.SIGQUIT)

    def _check_version(self) -> None:
        version = self.data / "PG_VERSION"
        if not version.is_file():
            raise DataUnusable(f"{self.data} is not PostgreSQL's data: it has no PG_VERSION. {self._remedy}")
        have = version.read_text(encoding="utf-8", errors="replace").strip()
        if not have.isdecimal():
            raise DataUnusable(f"PostgreSQL's data is damaged: {version} does not name a version. {self._remedy}")
        want = _major_version(postgres_bin())
        if have != want:
            message = (
                f"{self.data} was made by PostgreSQL {have}, and this is PostgreSQL {want}, which cannot read it. Dump "
                f"it with the older version and load it into a new one, or choose another folder with PAYSTREAM_HOME."
            )
            raise DataUnusable(message)

    async def _initialise(self) -> None:
        """Make a data folder beside the final one and rename it when it is complete and on the disk."""
        made = self.data.with_suffix(".new")
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(mode=0o700)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=self.home.path, prefix="initdb-") as password:
            password.write(self._passwords.owner)
            password.flush()
            if self._run_as is not None:
                for path in (made, password.name):
                    os.chown(path, self._run_as.uid, self._run_as.gid)
            arguments = [
                *(
                    "-D",
                    str(made),
                    "-U",
                    OWNER,
                    "--pwfile",
                    password.name,
                    "--auth=scram-sha-256",
                    "--no-instructions",
                    "--set",
                    f"scram_iterations={_SETTINGS['scram_iterations']}",
                ),
                *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *(() if self._fsync else ("--no-sync",)),
            ]
            initdb = ChildProcess(
                self._command("initdb", arguments), log=self.log, pid_file=self.home.run / "initdb.pid"
            )
            try:
                await initdb.ended(_INITDB_TIMEOUT_S)
            finally:
                initdb.kill()
        if initdb.exit_code != 0:
            message = f"PostgreSQL's data could not be made in {made}:\n{initdb.output().strip()}"
            raise StartFailed(message, component=self.name)
        made.rename(self.data)

    def _command(self, program: str, arguments: Sequence[str]) -> Command:
        run_as = self._run_as
        argv = [str(postgres_bin() / program), *arguments]
        env = base_environment() | {"LC_ALL": "C"}  # messages in English: some are looked for above
        if run_as is None:
            return Command(argv=argv, env=env, cwd=self.home.path, death_signal=signal.SIGQUIT)
        if run_as.prefix:
            argv = [*run_as.prefix, *argv]
            return Command(argv=argv, env=env, cwd=self.home.path, death_signal=signal.SIGQUIT)
        return Command(
            argv=argv,
            env=env,
            cwd=self.home.path,
            user=run_as.uid,
            group=run_as.gid,
            death_signal=signal.SIGQUIT,
        )


class _StillThere(StartFailed):
    """The killed server has not ended completely; it does so by itself within moments."""


def _major_version(programs: Path) -> str:
    """Return the major version of the installed PostgreSQL, from a file of its installation."""
    catalog = programs.parent / "share" / "postgres.bki"
    with catalog.open(encoding="utf-8") as lines:
        return next(lines).split()[-1]  # the first line is: # PostgreSQL 18

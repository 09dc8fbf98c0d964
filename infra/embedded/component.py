"""A component of the stack: a server or a process that is started, becomes ready, and is stopped or killed."""

import asyncio
import contextlib
import os
import signal
import time
from abc import ABC, abstractmethod
from pathlib import Path

from infra.embedded.child_process import ChildProcess, Command
from infra.embedded.errors import PortInUse, StartFailed
from infra.embedded.home import Home
from infra.embedded.ports import is_free

_PORT_FREE_WITHIN_S = 2.0
_ROTATE_LOG_BYTES = 10 * 1024 * 1024


class Component(ABC):
    """One component of the stack. Its output is in `home.logs/<name>.log`.

    `start` and `wait_ready` raise StartFailed (or a subclass of EmbeddedError that says more) and leave nothing
    running. A component that was stopped or killed can be started again, on the same port and the same data.
    """

    ready_within_s = 30.0
    poll_every_s = 0.01
    stop_steps: tuple[tuple[signal.Signals, float], ...] = ((signal.SIGTERM, 3.0),)

    def __init__(self, name: str, label: str, home: Home, *, port: int) -> None:
        self.name = name
        self.label = label
        self.home = home
        self.port = port
        self.attended = False
        """Whether somebody is starting or stopping it on purpose: the supervisor then keeps out of it."""
        self._child: ChildProcess | None = None

    @property
    def log(self) -> Path:
        """Where the output of this component goes."""
        return self.home.logs / f"{self.name}.log"

    @property
    def address(self) -> str:
        """Where it answers: host and port."""
        return f"127.0.0.1:{self.port}"

    @abstractmethod
    def command(self) -> Command:
        """Return what to run."""

    @abstractmethod
    async def is_ready(self) -> bool:
        """Whether it answers now. Called again and again while it starts."""

    async def prepare(self) -> None:  # noqa: B027 - most components need nothing
        """Do what must be done before the process can start. Nothing unless a component says otherwise."""

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._child.pid if self._child is not None and self._child.running else None

    @property
    def running(self) -> bool:
        """Whether the process is there; ready or not."""
        return self.pid is not None

    @property
    def exit_code(self) -> int | None:
        """How the last process ended; None while it runs, and when there was none."""
        return None if self._child is None else self._child.exit_code

    async def start(self) -> None:
        """Start the process; `wait_ready` says when it can be used. Does nothing when it runs."""
        if self.running:
            return
        try:
            await self.prepare()
            self._rotate_log()
            await self._wait_for_port()
            self._child = ChildProcess(self.command(), log=self.log, pid_file=self.home.run / f"{self.name}.pid")
        except OSError as error:
            message = f"{self.label} cannot be started: {error.strerror or error} ({error.filename})."
            raise StartFailed(message, component=self.name) from error

    async def wait_ready(self) -> None:
        """Wait until it answers. Raises StartFailed with the end of its log when it ends or takes too long."""
        child = self._child
        assert child is not None, "start it first"
        deadline = time.monotonic() + self.ready_within_s
        while True:
            ready = await self.is_ready()
            if not child.running:
                raise self.failure(child.output(), child.exit_code)
            if ready:
                return
            if time.monotonic() > deadline:
                child.kill()
                raise self.failure(child.output(), None)
            await asyncio.sleep(self.poll_every_s)

    async def stop(self) -> None:
        """End the process in good order; kill it when that takes too long. Does nothing when it does not run."""
        if self._child is not None:
            await self._child.end(self.stop_steps if self._child.running else ())

    def kill(self) -> None:
        """End the process at once (SIGKILL), as a crash would."""
        if self._child is not None:
            self._child.kill()

    async def restart(self) -> None:
        """Stop it if it runs, start it again and wait until it is ready."""
        self.attended = True
        try:
            await self.stop()
            await self.start()
            await self.wait_ready()
        finally:
            self.attended = False

    def failure(self, output: str, exit_code: int | None) -> Exception:
        """Return the error for a start that failed; `exit_code` is None when it was only too slow."""
        reason = (
            f"is not ready after {self.ready_within_s:.0f} s"
            if exit_code is None
            else f"ended when it was started (exit code {exit_code})"
        )
        last_lines = "\n".join(f"    {line}" for line in output.strip().splitlines()[-8:])
        return StartFailed(f"{self.label} {reason}. The end of {self.log}:\n{last_lines}", component=self.name)

    async def _wait_for_port(self) -> None:
        """Wait a moment until the port is free: another program could answer in this component's name."""
        deadline = time.monotonic() + _PORT_FREE_WITHIN_S
        while not is_free(self.port):
            if time.monotonic() > deadline:
                message = f"{self.label} cannot start: its port {self.port} is in use by another program."
                raise PortInUse(message, port=self.port)
            await asyncio.sleep(self.poll_every_s)

    def _rotate_log(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self.log.stat().st_size > _ROTATE_LOG_BYTES:
                os.replace(self.log, self.log.with_suffix(".log.1"))  # noqa: PTH105 - replaces an existing one

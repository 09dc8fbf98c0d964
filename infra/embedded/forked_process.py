"""Processes that `infra.embedded.fork_server` forks, as `subprocess.Popen` has those that it starts."""

import asyncio
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from infra.embedded.environment import python_environment, python_executable
from infra.embedded.orphans import die_with_parent, started_at

_LARGEST_MESSAGE = 1 << 20
_LOAD_WITHIN_S = 30.0
_START_WITHIN_S = 10.0
_POLL_S = 0.01


class ForkServerGone(OSError):
    """It ended, or could not load what it is to fork."""


@dataclass(kw_only=True, slots=True)
class Child:
    """A process that was forked, and how it ended; None while it runs, as far as the fork server has said."""

    pid: int
    code: int | None = None


class Children:
    """Those that a fork server has told of. An id stands for the last process that had it: ids are given out again."""

    def __init__(self) -> None:
        self._last_started: Child | None = None
        self._running: dict[int, Child] = {}

    def started(self, pid: int) -> None:
        """Note that a process began."""
        self._last_started = self._running[pid] = Child(pid=pid)

    def ended(self, pid: int, code: int) -> None:
        """Note how one ended; one that never began was not asked for."""
        if (child := self._running.pop(pid, None)) is not None:
            child.code = code

    def take_started(self) -> Child | None:
        """Return the one that began, once."""
        taken, self._last_started = self._last_started, None
        return taken


class ForkServer:
    """The fork server of this process. It ends with this process, and its processes with it.

    Start it in the main thread: on Linux children end with the thread that started them.
    """

    _running: Self | None = None

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                (python_executable(), "-m", "infra.embedded.fork_server", str(theirs.fileno())),
                env=python_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - one call into loaded code
            )
        self._channel = ours
        self._owner = os.getpid()
        self._loaded = self._gone = False
        self._children = Children()
        atexit.register(self._end)

    @classmethod
    def get(cls) -> Self:
        """Return the one of this process; it is started if there is none."""
        if cls._running is None or not cls._running.is_usable:
            cls._running = cls()
        return cls._running

    @property
    def is_usable(self) -> bool:
        """Whether it is there, and of this process rather than of the one that this was forked from."""
        return not self._gone and self._owner == os.getpid()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def wait_loaded(self) -> bool:
        """Wait until it can fork; False when it ended instead, or takes too long."""
        deadline = time.monotonic() + _LOAD_WITHIN_S
        while not self._loaded and not self._gone and time.monotonic() < deadline:
            if not self._receive(wait_s=0.0):
                await asyncio.sleep(_POLL_S)
        return self._loaded and not self._gone

    def start(self, request: Mapping[str, Any]) -> Child:
        """Fork a process. Raises ForkServerGone."""
        try:
            self._channel.send(json.dumps(request).encode())
        except (BrokenPipeError, ConnectionResetError) as error:
            self._end()
            raise ForkServerGone(str(error)) from error
        deadline = time.monotonic() + _START_WITHIN_S
        while (child := self._children.take_started()) is None:
            if self._gone or time.monotonic() > deadline:
                self._end()
                raise ForkServerGone("it did not start the process")
            self._receive(wait_s=0.1)
        return child

    def exit_code(self, child: Child) -> int | None:
        """Return how a process ended; None while it runs."""
        while child.code is None and self._receive(wait_s=0.0):
            pass
        if child.code is None and self._gone and started_at(child.pid) is None:
            return -signal.SIGKILL
        return child.code

    def _receive(self, *, wait_s: float) -> bool:
        """Take one message; return whether there was one."""
        if self._gone:
            return False
        self._channel.settimeout(wait_s)
        try:
            packet = self._channel.recv(_LARGEST_MESSAGE)
        except (BlockingIOError, TimeoutError):
            return False
        except ConnectionResetError:
            packet = b""
        if not packet:
            self._end()
            return False
        match json.loads(packet):
            case {"loaded": True}:
                self._loaded = True
            case {"started": int(pid)}:
                self._children.started(pid)
            case {"ended": int(pid), "code": int(code)}:
                self._children.ended(pid, code)
        return True

    def _end(self) -> None:
        """End it, if it is not gone already: its processes end with it."""
        self._gone = True
        if self._owner != os.getpid():
            return
        self._process.kill()
        self._process.wait()
        self._channel.close()


class ForkedProcess:
    """A process that the fork server forked. Its parent is that one, which says how it ended."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        log: Path,
        errors: Path | None = None,
        death_signal: signal.Signals = signal.SIGKILL,
    ) -> None:
        """`argv`: `-m`, a module and its arguments. `errors`: where stderr goes, if not to `log` as well.

        Raises ForkServerGone.
        """
        self._server = ForkServer.get()
        self._child = self._server.start(
            {
                "argv": list(argv),
                "title": " ".join((python_executable(), *argv)),
                "env": dict(env),
                "cwd": str(cwd),
                "output": str(log),
                "errors": str(errors or log),
                "death_signal": int(death_signal),
            }
        )
        self.pid = self._child.pid

    def poll(self) -> int | None:
        """Return how it ended; None while it runs."""
        return self._server.exit_code(self._child)

    def wait(self) -> int:
        """Wait for its end and return how it was."""
        while (code := self.poll()) is None:
            time.sleep(_POLL_S / 5)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing happens when it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


def load_fork_server() -> ForkServer | None:
    """Have the fork server load what it forks; None where there is none.

    Elsewhere than on Linux a fork of a program that has loaded the system's frameworks is not safe.
    """
    return ForkServer.get() if sys.platform == "linux" else None

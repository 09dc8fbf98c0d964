"""One operating system process: started with its output in a log file, watched, asked to end, killed."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from infra.embedded.forked_process import ForkedProcess, ForkServerGone
from infra.embedded.orphans import die_with_parent, write_pid_file

_POLL_S = 0.01
_TAIL_BYTES = 8192


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """What to run. `user` and `group` (ids) are set only when root starts it as somebody else."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    user: int | None = None
    group: int | None = None
    death_signal: signal.Signals = field(default=signal.SIGKILL)
    """What the child gets when its parent dies."""
    forks: bool = False
    """Whether it is a Python module that the fork server is to run: `argv` is interpreter, `-m`, module, arguments."""


class _Handle(Protocol):
    """What `subprocess.Popen` has."""

    pid: int

    def poll(self) -> int | None: ...

    def wait(self) -> int: ...

    def send_signal(self, number: int, /) -> None: ...


class ChildProcess:
    """A running child. It has a session of its own, so that Ctrl-C in a terminal reaches only its parent.

    It belongs to no event loop: it may be started in one and stopped in another, as session fixtures do.
    """

    def __init__(self, command: Command, *, log: Path, pid_file: Path) -> None:
        self._log = log
        self._pid_file = pid_file
        with log.open("ab") as output:
            self._log_start = output.tell()
        self._process = _started(command, log)
        write_pid_file(pid_file, self.pid, command.death_signal)

    @property
    def pid(self) -> int:
        """The process id; for the leader of a session also the id of its group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.exit_code is None

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the number of the signal that ended it."""
        code = self._process.poll()
        if code is not None:
            self._pid_file.unlink(missing_ok=True)
        return code

    def output(self) -> str:
        """Return the end of what this child (not an earlier one) wrote to its log, 8 KiB at most."""
        with self._log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, end - _TAIL_BYTES))
            return log.read().decode(errors="replace")

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when it has ended."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it and its descendants of the same group at once, and wait until it is gone."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        self._pid_file.unlink(missing_ok=True)

    async def ended(self, timeout_s: float) -> bool:
        """Wait for its end; False when it still runs after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while self.running:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(_POLL_S)
        return True

    async def end(self, steps: Sequence[tuple[signal.Signals, float]]) -> None:
        """Ask with each (signal, seconds to wait) in turn, then kill. It is gone afterwards, also when cancelled."""
        try:
            for number, grace_s in steps:
                self.send(number)
                if await self.ended(grace_s):
                    return
        finally:
            self.kill()


def _started(command: Command, log: Path) -> _Handle:
    if command.forks:
        with contextlib.suppress(ForkServerGone):
            return ForkedProcess(
                command.argv[1:], env=command.env, cwd=command.cwd, log=log, death_signal=command.death_signal
            )
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - commands are built here, never from input
            list(command.argv),
            env=dict(command.env),
            cwd=command.cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=command.user,
            group=command.group,
            extra_groups=None if command.user is None else [],
            preexec_fn=die_with_parent(command.death_signal),  # noqa: PLW1509 - one call into loaded code
        )

"""Makes children end with their parent, and finds those that did not.

On Linux the kernel does it, even when the parent is killed with SIGKILL (prctl(2), PR_SET_PDEATHSIG). It is tied to
the *thread* that starts the child, so children are started from the main thread. Elsewhere, and for whatever slipped
through, a pid file names each child together with its start time, and the next start ends what is still there.
"""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LEFTOVER_GRACE_S = 5.0


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """Return what `subprocess.Popen(preexec_fn=...)` must run so that the child gets `death_signal` with its parent.

    None where the system has no such thing. The C library is loaded here, before the fork: the child of a program
    with threads must not load anything.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def arm() -> None:
        prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died before the signal was armed
            os._exit(1)

    return arm


def write_pid_file(path: Path, pid: int, death_signal: signal.Signals) -> None:
    """Remember a child, so that a later start can end it if it is left over."""
    identity = {"pid": pid, "started": started_at(pid), "signal": int(death_signal)}
    path.write_text(json.dumps(identity), encoding="utf-8")


def end_leftovers(folder: Path) -> list[str]:
    """End every child that an earlier start left behind; return the names of those that were still running."""
    ended = []
    for path in sorted(folder.glob("*.pid")):
        with contextlib.suppress(ValueError, KeyError, OSError):
            identity = json.loads(path.read_text(encoding="utf-8"))
            if _end(identity["pid"], identity["started"], signal.Signals(identity["signal"])):
                ended.append(path.stem)
        path.unlink(missing_ok=True)
    return ended


def _end(pid: int, started: str | None, death_signal: signal.Signals) -> bool:
    if started is None or started_at(pid) != started:
        return False  # gone, or the number belongs to another program by now
    os.kill(pid, death_signal)
    deadline = time.monotonic() + _LEFTOVER_GRACE_S
    while started_at(pid) == started:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    return True


def started_at(pid: int) -> str | None:
    """Return when the process `pid` started, in a form that no other process shares; None when there is none."""
    if sys.platform == "linux":
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        except OSError:
            return None
        state, *fields = stat.rpartition(")")[2].split()  # proc_pid_stat(5): state is field 3, starttime field 22
        return None if state == "Z" else f"{boot}/{fields[18]}"
    command = ["ps", "-o", "lstart=,command=", "-p", str(pid)]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed command
    return listed.stdout.strip() or None

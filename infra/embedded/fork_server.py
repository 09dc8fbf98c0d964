"""Has imported what every Paystream process needs, and forks itself for each that is started.

    python -m infra.embedded.fork_server FD

A process is there after 20 ms instead of 1 to 2 s of imports, and shares the memory that they take. On the connected
Unix socket FD (one message a packet, JSON):

    to it       {"argv": ["-m", MODULE, ...], "title": ..., "env": {...}, "cwd": ..., "output": FILE, "errors": FILE,
                 "death_signal": 9}
    from it     {"loaded": true} once, {"started": PID} from each process, {"ended": PID, "code": CODE} for each

It never starts a thread or an event loop, which no fork would survive, and ends when the other side is gone; its
processes then get their `death_signal`. See infra.embedded.forked_process for the other side.
"""

import contextlib
import gc
import json
import os
import random
import runpy
import select
import signal
import socket
import sys
from importlib import import_module
from typing import Any

from setproctitle import getproctitle, setproctitle

from infra.embedded.orphans import die_with_parent
from infra.process import declared

_LARGEST_MESSAGE = 1 << 20


def main() -> None:
    """Serve until the other side is gone; in a forked process, run what it is to run."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    setproctitle(getproctitle())  # it finds out where the title is, as long as the environment is the one of the start
    _load()
    request = _serve(channel)
    if request is not None:
        _run(request)


def _load() -> None:
    """Import all processes. The garbage collector leaves their objects alone, so that their memory stays shared."""
    for module in ("infra.process.run", "infra.process.run_together"):
        import_module(module)
    for group in (declared.PROCESSES, declared.WORKERS):
        for name in declared.names(group):
            declared.load(group, name)
    gc.collect()
    gc.freeze()


def _serve(channel: socket.socket) -> dict[str, Any] | None:
    """Answer requests. Returns None at the end, and in each forked process what that one is to run."""
    ended, wake = os.pipe()
    os.set_blocking(ended, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda _, __: None)
    _send(channel, loaded=True)
    sources: list[Any] = [channel, ended]
    while True:
        ready, _, _ = select.select(sources, [], [])
        if ended in ready:
            _report_ended(channel, ended)
        if channel in ready:
            packet = channel.recv(_LARGEST_MESSAGE)
            if not packet:
                return None
            request: dict[str, Any] = json.loads(packet)
            arm = die_with_parent(signal.Signals(request["death_signal"]))
            if os.fork() == 0:
                _become(request)
                if arm is not None:
                    arm()
                _send(channel, started=os.getpid())
                for descriptor in (channel.detach(), ended, wake):
                    os.close(descriptor)
                return request


def _report_ended(channel: socket.socket, ended: int) -> None:
    with contextlib.suppress(BlockingIOError):
        while os.read(ended, 512):
            pass
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            _send(channel, ended=found[0], code=os.waitstatus_to_exitcode(found[1]))


def _become(request: dict[str, Any]) -> None:
    """Take over what a started process inherits: session, folder, environment, output."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    for path, stream in ((request["output"], sys.stdout), (request["errors"], sys.stderr)):
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        os.dup2(file, stream.fileno())
        os.close(file)
    random.seed()
    setproctitle(request["title"])


def _run(request: dict[str, Any]) -> None:
    _, module, *arguments = request["argv"]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _send(channel: socket.socket, **message: Any) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        channel.send(json.dumps(message).encode())


if __name__ == "__main__":
    main()

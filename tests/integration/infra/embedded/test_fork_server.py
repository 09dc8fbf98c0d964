"""A forked process is like one that was started, but for the time that its imports take."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.embedded import forked_process
from infra.embedded.child_process import ChildProcess, Command
from infra.embedded.environment import python_executable
from infra.embedded.forked_process import ForkedProcess, ForkServer
from tests.integration.infra.embedded.components import alive, wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every process is started anew"),
]

_PROGRAM = ("-m", "tests.integration.infra.embedded.forked_program")
_ENVIRONMENT = {"ONLY": "this", "PATH": os.environ["PATH"]}

Start = Callable[..., ChildProcess]


@pytest.fixture(scope="module", autouse=True)
def own_fork_server() -> Iterator[None]:
    """One that these tests may kill: others run processes of that of the session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ForkServer, "_running", None)
        yield
        ForkServer.get()._end()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[ChildProcess] = []

    def start(*arguments: str) -> ChildProcess:
        command = Command(argv=(python_executable(), *_PROGRAM, *arguments), env=_ENVIRONMENT, cwd=tmp_path, forks=True)
        number = len(started)
        child = ChildProcess(command, log=tmp_path / f"{number}.log", pid_file=tmp_path / f"{number}.pid")
        started.append(child)
        return child

    asyncio.run(ForkServer.get().wait_loaded())
    yield start
    for child in started:
        child.kill()


def said(child: ChildProcess) -> dict[str, Any]:
    """Wait for its line, and return what it found."""
    wait_until(lambda: child.output().count("\n") > 1)
    found: dict[str, Any] = json.loads(child.output().splitlines()[0])
    return found


def test_it_finds_what_a_started_process_finds(start: Start, tmp_path: Path) -> None:
    child = start("wait", "--and", "more")
    found = said(child)
    assert found["pid"] == found["session"] == child.pid
    assert found["arguments"] == ["wait", "--and", "more"]
    assert found["environment"] == _ENVIRONMENT
    assert found["folder"] == str(tmp_path)
    assert found["title"] == " ".join((python_executable(), *_PROGRAM, "wait", "--and", "more"))
    assert child.output().splitlines()[1] == "to the error output"


@pytest.mark.usefixtures("start")
def test_what_it_says_and_its_errors_can_go_apart(tmp_path: Path) -> None:
    output, errors = tmp_path / "output", tmp_path / "errors"
    process = ForkedProcess((*_PROGRAM, "0"), env=_ENVIRONMENT, cwd=tmp_path, log=output, errors=errors)
    assert process.wait() == 0
    assert json.loads(output.read_text())["pid"] == process.pid
    assert errors.read_text() == "to the error output\n"


def test_it_has_its_imports_and_nothing_else_of_the_server(start: Start) -> None:
    found = said(start("wait"))
    assert found["loaded"]
    assert len(list(Path(f"/proc/{ForkServer.get().pid}/task").iterdir())) == 1, "what no fork takes along"
    assert not [name for name in found["open"] if name.startswith(("socket:", "pipe:"))]


def test_no_two_draw_the_same_random_numbers(start: Start) -> None:
    drawn = [number for found in (said(start("0")) for _ in range(5)) for number in found["random"]]
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize(("argument", "code"), [("0", 0), ("7", 7), ("fail", 1)])
async def test_its_end_is_known(start: Start, argument: str, code: int) -> None:
    child = start(argument)
    assert await child.ended(10)
    assert child.exit_code == code
    assert ("it does not work at all" in child.output()) is (argument == "fail")


async def test_a_signal_ends_it_and_says_so(start: Start) -> None:
    children = [start("wait") for _ in range(3)]
    for child in children:
        said(child)
    children[0].send(signal.SIGTERM)
    assert await children[0].ended(10)
    children[1].kill()
    assert [child.exit_code for child in children] == [-signal.SIGTERM, -signal.SIGKILL, None]


def test_it_is_there_before_it_is_known_to_be(start: Start) -> None:
    """A kill that follows at once reaches the group of the process, not one that it is not in yet."""
    for _ in range(20):
        child = start("wait")
        child.kill()
        assert child.exit_code == -signal.SIGKILL


def test_its_processes_end_with_a_killed_server_and_another_one_starts(start: Start) -> None:
    child = start("wait")
    said(child)
    first = ForkServer.get().pid
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not alive(child.pid))
    wait_until(lambda: child.exit_code == -signal.SIGKILL)
    asyncio.run(ForkServer.get().wait_loaded())
    assert ForkServer.get().pid != first
    assert said(start("wait"))["loaded"]


def test_one_that_cannot_load_is_done_without(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> ForkedProcess:
        raise forked_process.ForkServerGone

    monkeypatch.setattr("infra.embedded.child_process.ForkedProcess", gone)
    found = said(start("wait"))
    assert (found["loaded"], found["environment"].get("ONLY")) == (False, "this")


_PARENT = """
import asyncio, sys, time
from pathlib import Path
from infra.embedded.forked_process import ForkServer, ForkedProcess

asyncio.run(ForkServer.get().wait_loaded())
child = ForkedProcess(sys.argv[2:], env={}, cwd=Path(sys.argv[1]), log=Path(sys.argv[1], "log"), death_signal=9)
print(ForkServer.get().pid, child.pid, flush=True)
time.sleep(60)
"""


def test_kill_9_of_the_parent_ends_server_and_processes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PARENT, str(tmp_path), *_PROGRAM, "wait"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(each) for each in parent.stdout.readline().split()]
        assert all(map(alive, pids))
        parent.kill()
    wait_until(lambda: not any(map(alive, pids)))

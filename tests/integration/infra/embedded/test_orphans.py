"""Nothing that a stack starts outlives the process that started it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded.orphans import end_leftovers, write_pid_file
from tests.integration.infra.embedded.components import (
    FAKE,
    alive,
    all_gone,
    descendants,
    wait_for_descendants,
    wait_until,
)

pytestmark = [pytest.mark.integration, pytest.mark.slow]

_PARENT = """
import asyncio, sys
from pathlib import Path
from infra.embedded.process import ProcessSpec
from infra.embedded.stack import Stack

async def main():
    spec = ProcessSpec(name="relay", label="Relay", arguments=(sys.argv[2],))
    async with Stack(Path(sys.argv[1]), fsync=False, processes=[spec]):
        print("up", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _PARENT, str(tmp_path / "home"), str(FAKE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's own")
def test_kill_9_of_the_parent_ends_every_child(parent: subprocess.Popen[str]) -> None:
    assert parent.stdout is not None
    assert parent.stdout.readline() == "up\n"
    children = descendants(parent.pid)
    assert len(children) > 4  # PostgreSQL with its helpers, Valkey, the broker, the process
    parent.kill()
    wait_until(all_gone(children))


def test_sigterm_while_starting_ends_every_child(parent: subprocess.Popen[str]) -> None:
    children = wait_for_descendants(parent.pid, at_least=3)
    parent.send_signal(signal.SIGTERM)
    wait_until(all_gone(children))


def test_a_child_left_over_from_an_earlier_run_is_ended(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as leftover:
        write_pid_file(tmp_path / "relay.pid", leftover.pid, signal.SIGTERM)
        assert end_leftovers(tmp_path) == ["relay"]
        assert not alive(leftover.pid)
    assert list(tmp_path.iterdir()) == []


def test_a_stranger_with_the_number_of_a_child_is_left_alone(tmp_path: Path) -> None:
    pid_file = tmp_path / "relay.pid"
    write_pid_file(pid_file, os.getpid(), signal.SIGKILL)
    pid_file.write_text(pid_file.read_text().replace('"started": "', '"started": "before-'))
    assert end_leftovers(tmp_path) == []
    assert not pid_file.exists()


def test_a_pid_file_that_is_half_written_is_removed(tmp_path: Path) -> None:
    (tmp_path / "relay.pid").write_text('{"pid": 1')
    assert end_leftovers(tmp_path) == []
    assert list(tmp_path.iterdir()) == []

"""Builders for the tests of the embedded stack."""

import contextlib
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from infra.embedded.process import HTTP_PORTS, ProcessSpec

FAKE = Path(__file__).with_name("fake_process_program.py")


def fake(name: str, *options: str) -> ProcessSpec:
    """A process named `name` that is `fake_process_program.py`."""
    return ProcessSpec(
        name=name,
        label=name,
        arguments=(str(FAKE), *options),
        port_variable=HTTP_PORTS.get(name, "HEALTH_PORT"),
    )


def alive(pid: int) -> bool:
    """Whether a process is there and does something (a zombie does not)."""
    with contextlib.suppress(OSError):
        if Path("/proc").exists():
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        os.kill(pid, 0)
        return True
    return False


def wait_until(condition: Callable[[], bool], within_s: float = 15.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)


def all_gone(pids: Iterable[int]) -> Callable[[], bool]:
    watched = list(pids)
    assert watched
    return lambda: not any(alive(pid) for pid in watched)


def descendants(of: int) -> set[int]:
    """Every process that `of` started, and those that they started, by Linux's /proc."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            parents[int(stat.parent.name)] = int(fields[1])
    found: set[int] = set()
    new = {of}
    while new:
        new = {pid for pid, parent in parents.items() if parent in new} - found
        found |= new
    return found


def wait_for_descendants(of: int, at_least: int = 1) -> set[int]:
    """Wait until `of` has so many, and return just those: asked for again, one that is soon over may be gone."""
    seen: set[int] = set()

    def enough() -> bool:
        seen.clear()
        seen.update(descendants(of))
        return len(seen) >= at_least

    wait_until(enough)
    return seen

"""What several workers (pytest-xdist) share out: ports, a folder, and the tests, the longest first."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from infra.embedded.ports import END, FIRST
from tests.support import prepared_home

_PER_CORE = 2  # most tests wait for something most of the time; more of them take the time from each other
_PREFIX = "paystream-tests-"
_SHARED = "shared_folder"
_LONG_S = 120  # what a test may take that says nothing else: `timeout` in pyproject.toml
_SHARED_SYSTEM_S = 300  # as if it was one test: all that run on the session's system
_SYSTEMS = ("systems-1", "systems-2", "systems-3")  # groups; the tests on the session's system are in the last one
_ENOUGH_BYTES = 4 * 1024**3
_folder = pytest.StashKey[Path]()


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out one test at a time, or one group; of unit tests, which take milliseconds, one file.

    The groups come from the workers by way of a file: what `--dist loadgroup` does with the mark `xdist_group` has no
    effect since pytest 9.2, whose items no longer take another node id.
    """

    def __init__(self, config: pytest.Config, log: object) -> None:
        config.option.loadscopereorder = False  # the longest come first already
        super().__init__(config, log)
        self._groups: dict[str, str] | None = None

    def _split_scope(self, nodeid: str) -> str:
        if self._groups is None:
            self._groups = json.loads(_groups_file(self.config.stash[_folder]).read_text())
        return self._groups.get(nodeid, nodeid)


def workers() -> int:
    """Return how many workers `-n auto` is."""
    return _PER_CORE * len(os.sched_getaffinity(0))


def begin(config: pytest.Config) -> None:
    """Share one folder, and give this worker ports of its own."""
    given: dict[str, object] | None = getattr(config, "workerinput", None)
    if given is None:
        parent = _memory()
        _tidy(parent)
        folder = config.stash[_folder] = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
        folder.chmod(0o755)  # PostgreSQL runs as another user when root starts it
    else:
        folder = Path(str(given[_SHARED]))
        number, count = int(str(given["workerid"]).removeprefix("gw")), int(str(given["workercount"]))
        ports = (END - FIRST) // count
        os.environ["PAYSTREAM_PORT_RANGE"] = f"{FIRST + number * ports}-{FIRST + (number + 1) * ports}"
    prepared_home.share(folder)


def end(config: pytest.Config) -> None:
    """Remove the folder; the workers are gone."""
    if (folder := config.stash.get(_folder, None)) is not None:
        shutil.rmtree(folder, ignore_errors=True)


def brief(node: WorkerController) -> None:
    """Tell a worker of the folder."""
    node.workerinput[_SHARED] = str(node.config.stash[_folder])


def spread(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put tests that share something into groups, and the longest tests first. Else the order stays.

    A whole system is a dozen processes, and a test that kills some of them needs the machine for itself at moments:
    so few run at a time, as one worker runs the tests of a group one after the other.
    """
    items.sort(key=_longest, reverse=True)
    given: dict[str, object] | None = getattr(config, "workerinput", None)
    if given is not None:
        written = Path(str(given[_SHARED])) / f"{given['workerid']}.json"
        written.write_text(json.dumps(_groups(items)))
        written.replace(_groups_file(written.parent))  # each worker writes the same


def _groups_file(folder: Path) -> Path:
    return folder / "groups.json"


def _groups(items: Iterable[pytest.Item]) -> dict[str, str]:
    """Return the group of each test that is in one."""
    groups: dict[str, str] = {}
    load = dict.fromkeys(_SYSTEMS, 0.0)
    load[_SYSTEMS[-1]] = _SHARED_SYSTEM_S
    chosen: dict[str, str] = {}  # by file: its tests may share a system
    for item in items:
        file = item.nodeid.partition("::")[0]
        if on_shared_system(item):
            groups[item.nodeid] = _SYSTEMS[-1]
        elif item.get_closest_marker("own_system"):
            groups[item.nodeid] = chosen.setdefault(file, min(load, key=load.__getitem__))
            load[groups[item.nodeid]] += _longest(item)
        elif item.nodeid.startswith("tests/unit/") or _shares_with_its_file(item):
            groups[item.nodeid] = file
    return groups


def _shares_with_its_file(item: pytest.Item) -> bool:
    """Whether one of its fixtures is there once for a file, or for a folder."""
    found = getattr(item, "_fixtureinfo", None)
    return found is not None and any(
        definitions[-1].scope in ("module", "package") for definitions in found.name2fixturedefs.values()
    )


def on_shared_system(item: pytest.Item) -> bool:
    """Whether a test runs on the session's system."""
    return "session_stack" in getattr(item, "fixturenames", ())


def _memory() -> Path:
    """Return a folder in memory, where a database is made in a tenth of the time; on the disk if memory is scarce."""
    found = Path("/dev/shm")
    return found if found.is_dir() and shutil.disk_usage(found).free > _ENOUGH_BYTES else Path(tempfile.gettempdir())


def _tidy(parent: Path) -> None:
    """Remove the folders of runs that were killed."""
    for folder in parent.glob(f"{_PREFIX}*-*"):
        if not Path("/proc", folder.name.removeprefix(_PREFIX).partition("-")[0]).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _longest(item: pytest.Item) -> float:
    """Return what it may take at most: how long tests are is said by their time-outs."""
    if on_shared_system(item):
        return _SHARED_SYSTEM_S
    if item.nodeid.startswith("tests/unit/"):
        return 0
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker else _LONG_S

"""Where to look when a test has failed: how to repeat its order, and each part that ran, with its address and log.

The logs are gone where the folder of the test is: so the newest warnings of each are shown.
"""

import weakref
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from infra.embedded.component import Component

_WARNINGS = 6
_LONGEST = 300
_LEFT_OUT = ("timestamp", "service")

_started: "weakref.WeakSet[Component]" = weakref.WeakSet()
_before: "weakref.WeakSet[Component]" = weakref.WeakSet()
_start = Component.start


async def _noted_start(component: Component) -> None:
    _started.add(component)
    await _start(component)


def watch_parts() -> None:
    """Note every part that this process starts from now on."""
    Component.start = _noted_start  # type: ignore[method-assign, assignment]


def begin_test() -> None:
    """Forget the parts of earlier tests that are gone."""
    for component in [component for component in _started if not component.running]:
        _started.discard(component)


def where_to_look(config: pytest.Config) -> str:
    """Return a line for the seed, and one for each part that runs or ran in this test."""
    return "\n".join(_lines(config))


def _lines(config: pytest.Config) -> Iterator[str]:
    worker = getattr(config, "workerinput", {}).get("workerid")
    yield f"order: -p randomly --randomly-seed={config.getoption('randomly_seed', None)}" + (
        f", worker {worker}" if worker else ""
    )
    for component in sorted(_started, key=lambda each: str(each.log)):
        state = f"process {component.pid}" if component.running else f"ended with {component.exit_code}"
        yield f"{component.name:<24} {component.address:<16} {state:<18} {component.log}"
        yield from newest_warnings(component.log)


def newest_warnings(log: Path) -> Iterator[str]:
    """Return the last lines of a JSON log that are warnings or worse, each cut to a length that can be read."""
    try:
        lines = log.read_bytes().splitlines()
    except OSError:
        return
    newest: deque[str] = deque(maxlen=_WARNINGS)
    for line in lines:
        try:
            entry = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(entry, dict) and entry.get("level") in ("warning", "error", "critical"):
            said = {name: value for name, value in entry.items() if value is not None and name not in _LEFT_OUT}
            newest.append(f"    {entry.get('timestamp')} {orjson.dumps(said).decode()}"[:_LONGEST])
    yield from newest

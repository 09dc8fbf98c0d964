"""Where to look when a test has failed: how to repeat its order, and each part that ran, with its address and log."""

import weakref
from collections.abc import Iterator

import pytest

from infra.embedded.part import Part

_started: "weakref.WeakSet[Part]" = weakref.WeakSet()
_before: "weakref.WeakSet[Part]" = weakref.WeakSet()
_start = Part.start


async def _noted_start(part: Part) -> None:
    _started.add(part)
    await _start(part)


def watch_parts() -> None:
    """Note every part that this process starts from now on."""
    Part.start = _noted_start  # type: ignore[method-assign, assignment]


def begin_test() -> None:
    """Forget the parts of earlier tests that are gone."""
    for part in [part for part in _started if not part.running]:
        _started.discard(part)


def where_to_look(config: pytest.Config) -> str:
    """Return a line for the seed, and one for each part that runs or ran in this test."""
    return "\n".join(_lines(config))


def _lines(config: pytest.Config) -> Iterator[str]:
    worker = getattr(config, "workerinput", {}).get("workerid")
    yield f"order: -p randomly --randomly-seed={config.getoption('randomly_seed', None)}" + (
        f", worker {worker}" if worker else ""
    )
    for part in sorted(_started, key=lambda each: str(each.log)):
        state = f"process {part.pid}" if part.running else f"ended with {part.exit_code}"
        yield f"{part.name:<24} {part.address:<16} {state:<18} {part.log}"

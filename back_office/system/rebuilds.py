"""What can be done about each projection's rebuild, and with which command. Pure: from the command API's JSON.

Only the command line rebuilds: it needs the owner of the tables, whom no process that serves HTTP is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from shlex import quote
from typing import Any

Json = dict[str, Any]

_PROJECTION = "projection:"
_STATES = {
    "dropped": ("quiet", "No build"),
    "building": ("wait", "Is built beside the live tables"),
    "catching_up": ("wait", "Catches up with the live tables"),
    "compared": ("good", "Compared: nothing differs"),
    "swapped": ("good", "Live since the swap"),
}
_UNFINISHED = {"building", "catching_up", "compared"}


@dataclass(frozen=True, kw_only=True, slots=True)
class RebuildStep:
    """Something that can be done, what will happen, and the command."""

    label: str
    consequence: str
    command: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Projection:
    """A projection, how its newest build is, and what can be done."""

    name: str
    position: int
    build: Json | None
    tone: str
    words: str
    steps: tuple[RebuildStep, ...]


def projections(checkpoints: Iterable[Json], builds: Iterable[Json]) -> list[Projection]:
    """Return every projection by name; `builds` are the newest first."""
    positions: dict[str, int] = {}
    for each in checkpoints:
        if each["consumer"].startswith(_PROJECTION):
            name = each["consumer"].removeprefix(_PROJECTION)
            positions[name] = max(each["position"], positions.get(name, 0))
    newest: dict[str, Json] = {}
    replaced: set[str] = set()
    for each in builds:
        newest.setdefault(each["projection"], each)
        if each["phase"] == "swapped":
            replaced.add(each["projection"])
    return [
        _projection(name, positions.get(name, 0), newest.get(name), has_replaced=name in replaced)
        for name in sorted(positions.keys() | newest.keys())
    ]


def _projection(name: str, position: int, build: Json | None, *, has_replaced: bool) -> Projection:
    tone, words = _state(build)
    steps = _steps(name, build)
    if has_replaced:
        steps = (*steps, _drop_replaced(name))
    return Projection(name=name, position=position, build=build, tone=tone, words=words, steps=steps)


def _state(build: Json | None) -> tuple[str, str]:
    if build is None:
        return "quiet", "No build"
    if build["phase"] == "compared" and build["differences"]:
        return "bad", f"{build['differences']:,} rows differ from the live ones"
    return _STATES.get(build["phase"], ("quiet", str(build["phase"]).capitalize()))


def _steps(name: str, build: Json | None) -> tuple[RebuildStep, ...]:
    if build is None or build["phase"] not in _UNFINISHED:
        return (_rebuild(name, "Rebuild"),)
    if build["phase"] != "compared":
        return (_rebuild(name, "Go on with it"), _drop_unfinished(name))
    return (_swap(name, differs=bool(build["differences"])), _rebuild(name, "Compare it again"), _drop_unfinished(name))


def _rebuild(name: str, label: str) -> RebuildStep:
    return RebuildStep(
        label=label,
        consequence="Tables beside the live ones are filled from the log and compared with them. Nothing that is shown "
        "changes. If it was interrupted, it goes on; if it runs, this is refused.",
        command=f"paystream projections rebuild {quote(name)}",
    )


def _swap(name: str, *, differs: bool) -> RebuildStep:
    consequence = (
        "The build catches up, is compared once more, and takes the place of the live tables in one transaction: "
        "the projector waits for a moment, readers do not. The old tables stay until they are dropped."
    )
    if not differs:
        return RebuildStep(label="Swap", consequence=consequence, command=f"paystream projections swap {quote(name)}")
    return RebuildStep(
        label="Swap although rows differ",
        consequence=f"Only where the rebuilt rows are the right ones. {consequence} The reason is kept with the build.",
        command=f'paystream projections swap {quote(name)} --force --reason "..."',
    )


def _drop_unfinished(name: str) -> RebuildStep:
    return RebuildStep(
        label="Drop the build",
        consequence="Its tables go. The live ones stay as they are.",
        command=f"paystream projections drop {quote(name)} --unfinished",
    )


def _drop_replaced(name: str) -> RebuildStep:
    return RebuildStep(
        label="Drop the replaced tables",
        consequence="What was live before the swap goes for good.",
        command=f"paystream projections drop {quote(name)}",
    )

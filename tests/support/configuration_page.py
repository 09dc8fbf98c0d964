"""Writes docs/configuration.md: every setting with its values, its default and who reads it.

    python -m tests.support.configuration_page

The words and their order are those of `.env.example`; the rest is what the settings classes say.
"""

import re
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from infra.process import declared
from infra.settings.process import ProcessSettings

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "configuration.md"
EXAMPLE = ROOT / ".env.example"

_BESIDE_PROCESSES = (  # read by parts of several processes, or by commands alone
    *("infra.cli.settings", "infra.redis.redlock.settings", "infra.stripe.guard.settings"),
    *("infra.settings.archive", "event_store.witness.settings"),
)
_SECTION = re.compile(r"# --- (.+?) -+$")
_VARIABLE = re.compile(r"([A-Z0-9_]+)=(.*)")
_WORDS = {bool: "`true`, `false`", int: "whole number", float: "number", SecretStr: "secret", Path: "path"}
_HEAD = """# Configuration

Made by `make configuration` from `.env.example` and the settings classes. Every setting is a variable of the
environment, or a line of `.env`; the environment comes first. An empty one counts as not set. A process that lacks one,
or finds one that cannot be right, names it and ends before it does anything; `paystream doctor` looks at all processes
at once. With a prefix (`PROJECTOR__DATABASE_URL`) a variable is for one of those that share a process (`paystream
worker all`).

*Read by* names processes, and `commands` those of `paystream`. An empty default is none, or what the words say.
"""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Variables that share an explanation."""

    section: str
    words: str
    names: tuple[str, ...]


def settings_classes() -> dict[str, type[ProcessSettings]]:
    """Return every settings class of the system by its full name."""
    for module in _BESIDE_PROCESSES:
        import_module(module)
    for group in (declared.PROCESSES, declared.WORKERS, declared.SETTINGS):
        for name in declared.names(group):
            declared.load(group, name)

    def below(parent: type[ProcessSettings]) -> Iterator[type[ProcessSettings]]:
        for child in parent.__subclasses__():
            yield child
            yield from below(child)

    # The doctor makes classes of its own while it looks at an environment; they stay until memory is tidied up.
    ours = [each for each in below(ProcessSettings) if not each.__module__.startswith(("tests.", "infra.doctor."))]
    return {f"{each.__module__}.{each.__qualname__}": each for each in ours}


def groups(text: str) -> Iterator[Group]:
    """Yield the groups of a file like `.env.example`: comments, and the variables right behind them."""
    section, words, names = "", list[str](), list[str]()
    for line in [*text.splitlines(), ""]:
        variable = _VARIABLE.match(line)
        if variable is not None:
            names.append(variable.group(1))
            continue
        if names:
            yield Group(section=section, words=" ".join(words), names=tuple(names))
            words, names = [], []
        if (found := _SECTION.match(line)) is not None:
            section, words = found.group(1), []
        elif line.startswith("#"):
            words.append(line.removeprefix("#").strip())
        else:
            words = []


def page() -> str:
    """Return the whole page."""
    readers = {name: declared.settings_of(name) for name in declared.names(declared.SETTINGS)}
    classes = list(settings_classes().values())
    lines, section = [_HEAD], ""
    for group in groups(EXAMPLE.read_text("utf-8")):
        if group.section != section:
            section = group.section
            lines += [f"\n## {section}\n", "| variable | values | default | read by | |", "|---|---|---|---|---|"]
        cells = [
            "<br>".join(f"`{name}`" for name in group.names),
            _joined([_values(_fields(name, classes)) for name in group.names]),
            _joined([_default(_fields(name, classes)) for name in group.names]),
            _joined([_readers(name.lower(), readers) for name in group.names], once=True),
            group.words.replace("|", "\\|"),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _fields(variable: str, classes: Sequence[type[ProcessSettings]]) -> list[FieldInfo]:
    name = variable.lower()
    return [each.model_fields[name] for each in classes if name in each.model_fields]


def _joined(texts: Sequence[str], *, once: bool = False) -> str:
    return texts[0] if once and len(set(texts)) == 1 else "<br>".join(texts)


def _readers(name: str, readers: dict[str, type[ProcessSettings]]) -> str:
    found = [each.removeprefix("worker-") for each, settings in readers.items() if name in settings.model_fields]
    if len(found) >= len(readers) - 1:
        return "all"
    return ", ".join(found) or "commands"


def _default(fields: Sequence[FieldInfo]) -> str:
    found = dict.fromkeys(_one_default(each) for each in fields)
    return next(iter(found)) if len(found) == 1 else " or ".join(each or "none" for each in found)


def _one_default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, SecretStr):
        return "one that production refuses"
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, (tuple, list, frozenset)):
        ordered = sorted(value) if isinstance(value, frozenset) else value
        value = ",".join(map(str, ordered))
    return "" if value in (None, "") else f"`{value}`"


def _values(fields: Sequence[FieldInfo]) -> str:
    field = fields[0]
    bounds = _bounds(field.metadata)
    found = [_named(each, bounds) for each in _choices(field.annotation)]
    return " or ".join(dict.fromkeys(found))


def _choices(annotation: Any) -> Iterator[Any]:
    """Yield the types that a value may have, without None and without what is annotated to them."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        for each in get_args(annotation):
            yield from _choices(each)
    elif hasattr(annotation, "__metadata__"):
        yield from _choices(get_args(annotation)[0])
    elif annotation is not type(None):
        yield annotation


def _named(kind: Any, bounds: str) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(f"`{each}`" for each in get_args(kind))
    if get_origin(kind) in (tuple, list, frozenset, set):
        return "list"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f"`{each.value}`" for each in kind)
    names = {
        bool: "`true`, `false`",
        int: "whole number",
        float: "number",
        SecretStr: "secret",
        Path: "path",
        str: "text",
    }
    return f"{names.get(kind, 'text')}{bounds if kind in (int, float) else ''}"


def _bounds(metadata: Sequence[Any]) -> str:
    least = next((each.ge for each in metadata if isinstance(each, annotated_types.Ge)), None)
    most = next((each.le for each in metadata if isinstance(each, annotated_types.Le)), None)
    above = next((each.gt for each in metadata if isinstance(each, annotated_types.Gt)), None)
    if least is not None and most is not None:
        return f", {least} to {most}"
    if above is not None:
        return f", above {above}"
    return f", {least} or more" if least is not None else (f", up to {most}" if most is not None else "")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")

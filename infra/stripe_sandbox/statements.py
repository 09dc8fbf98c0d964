"""The sandbox's SQL, read once from the files in `sql/`."""

import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

SCHEMA_VERSION = 2
UPGRADABLE = frozenset({0, 1})
"""Versions of the file that gain what they lack when they are opened; 0 is an empty file."""
_NAMED = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)
_SCHEMA = "schema.sql"


def schema() -> str:
    """Return the statements that make an empty file, and that add to an older one what it lacks."""
    return _folder().joinpath(_SCHEMA).read_text()


@cache
def statements() -> dict[str, str]:
    """Return the named statements; their parameters are named too (`:account`)."""
    found: dict[str, str] = {}
    for file in _folder().iterdir():
        if file.name.endswith(".sql") and file.name != _SCHEMA:
            found.update(_NAMED.findall(file.read_text()))
    return found


def _folder() -> Traversable:
    return files(__package__).joinpath("sql")

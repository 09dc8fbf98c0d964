"""The sandbox's SQL, read once from the files in `sql/`."""

import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

SCHEMA_VERSION = 4
EMPTY = 0
UPGRADABLE = frozenset({1, 2, 3})
"""Versions of the file that gain what they lack when they are opened."""
_KEYS_WITHOUT_AGE = frozenset({1, 2})
_NAMED = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)
_SCHEMA = "schema.sql"
_UPGRADE = "upgrade.sql"


def schema(version: int) -> str:
    """Return the statements that add to a file of this version, or to an empty one, what it lacks."""
    added = _folder().joinpath(_SCHEMA).read_text()
    return added + _folder().joinpath(_UPGRADE).read_text() if version in _KEYS_WITHOUT_AGE else added


@cache
def statements() -> dict[str, str]:
    """Return the named statements; their parameters are named too (`:account`)."""
    found: dict[str, str] = {}
    for file in _folder().iterdir():
        if file.name.endswith(".sql") and file.name not in {_SCHEMA, _UPGRADE}:
            found.update(_NAMED.findall(file.read_text()))
    return found


def _folder() -> Traversable:
    return files(__package__).joinpath("sql")

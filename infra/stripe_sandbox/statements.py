"""The sandbox's SQL, read once from its files."""

import re
from importlib.resources import files

SCHEMA_VERSION = 1
_NAMED = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)


def schema() -> str:
    """Return the statements that make an empty file."""
    return files(__package__).joinpath("schema.sql").read_text()


def statements() -> dict[str, str]:
    """Return the named statements; their parameters are named too (`:account`)."""
    return dict(_NAMED.findall(files(__package__).joinpath("statements.sql").read_text()))

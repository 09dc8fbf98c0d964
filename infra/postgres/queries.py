"""The named statements of `.sql` files."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import LiteralString

from infra.errors import Permanent


class QueryFileError(Permanent):
    """A file of statements is not well formed, or lacks a statement that was asked for."""


class Queries:
    """The named statements of a `.sql` file, by attribute (`queries.find_payment`) or item.

    A statement begins with `-- name: find_payment`, and a comment line that says what it is for. It must be
    one statement, with `%(named)s` parameters; long lists are `%(named)b`, as psycopg writes them faster in binary.
    """

    def __init__(self, source: str, statements: Mapping[str, LiteralString]) -> None:
        self._source = source
        self._statements = statements

    @classmethod
    def load(cls, path: Path) -> "Queries":
        """Read a file; raises QueryFileError for a repeated name, an empty statement, a missing purpose."""
        return cls(path.name, dict(_statements(path)))

    def __getitem__(self, name: str) -> LiteralString:
        """Return a statement; raises QueryFileError when the file has none of that name."""
        try:
            return self._statements[name]
        except KeyError:
            raise QueryFileError(f"{self._source} has no statement {name}") from None

    def __getattr__(self, name: str) -> LiteralString:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._statements)


_NAME_LINE = re.compile(r"^--[ \t]*name:[ \t]*(.*?)[ \t]*$", re.MULTILINE)


def _statements(path: Path) -> Iterator[tuple[str, LiteralString]]:
    # LiteralString: the text is from our own files, never from input.
    head, *parts = _NAME_LINE.split(path.read_text(encoding="utf-8"))
    if _without_comments(head):
        raise QueryFileError(f"{path.name}: a statement stands before the first '-- name:' line")
    seen: set[str] = set()
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise QueryFileError(f"{path.name}: {name!r} is not a snake_case name")
        if name in seen:
            raise QueryFileError(f"{path.name}: {name} is there twice")
        if not body.lstrip("\n").startswith("--"):
            raise QueryFileError(f"{path.name}: {name} lacks the comment line that says what it is for")
        # Without comments: psycopg takes a % in them for a parameter.
        statement = _without_comments(body).removesuffix(";")
        if not statement:
            raise QueryFileError(f"{path.name}: {name} has no SQL")
        seen.add(name)
        yield name, statement


def _without_comments(sql: str) -> str:
    return "\n".join(line for line in sql.splitlines() if not line.lstrip().startswith("--")).strip()

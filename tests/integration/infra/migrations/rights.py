"""Reads `rights.txt`, and the rights that a database grants, in the same form."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from infra.postgres.queries import Queries

QUERIES = Queries.load(Path(__file__).with_name("rights.sql"))
_FILE = Path(__file__).with_name("rights.txt")
PUBLIC = "anybody"
"""Stands for a login without any group: what it may do, PUBLIC may."""
ROLES = {
    "app": "paystream_app_login",
    "relay": "paystream_relay_login",
    "projector": "paystream_projector_login",
    "query": "paystream_query_login",
    "audit": "paystream_audit_login",
    "sealer": "paystream_sealer_login",
    "erasure": "paystream_erasure_login",
    "access": "paystream_access_login",
    "rebuild": "paystream_rebuild",
    PUBLIC: "paystream_nobody_login",
}
"""The role of the database behind each column. Nobody logs in as the last but one: the owner takes it on."""
KINDS = ("schemas", "tables", "sequences", "functions")
_LETTERS = "GCSIUDTFXME"
Cells = dict[tuple[str, str, str], str]
"""The letters by kind, object and column of the file."""
Columns = dict[tuple[str, str, str], frozenset[str]]
"""The columns of a table by table, column of the file and letter: what has a small letter in its cell."""


@dataclass(frozen=True, kw_only=True)
class Rights:
    """What roles may do."""

    cells: Cells = field(default_factory=dict)
    columns: Columns = field(default_factory=dict)

    def letters(self, kind: str, name: str, role: str) -> str:
        """Return what a role may do with an object."""
        return self.cells.get((kind, name, role), "")


def written() -> Rights:
    """Return what the file says."""
    rights = Rights()
    kind, roles = "", list[str]()
    for line in _FILE.read_text("utf-8").splitlines():
        text = line.partition("#")[0].rstrip()
        if not text:
            continue
        name, *cells = text.split(maxsplit=3 if kind == "columns" else -1)
        if name.startswith("["):
            kind, roles = name.strip("[]"), cells
        elif kind == "columns":
            role, letter, listed = cells
            rights.columns[name, role, letter] = frozenset(listed.replace(",", " ").split())
        else:
            assert len(cells) == len(roles), f"{name} needs {len(roles)} cells"
            rights.cells.update({(kind, name, role): cell.strip(".") for role, cell in zip(roles, cells, strict=True)})
    return rights


def granted(rows: Iterable[tuple[str, str, str, str, str | None]]) -> Rights:
    """Return what the statement `granted` found."""
    shown = {role: name for name, role in ROLES.items()}
    letters: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    columns: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for role, kind, name, letter, column in rows:
        if column is None:
            letters[kind, name, shown[role]].add(letter)
        else:
            letters["tables", name, shown[role]].add(letter.lower())
            columns[name, shown[role], letter].add(column)
    return Rights(
        cells={
            key: "".join(sorted(found, key=lambda each: _LETTERS.index(each.upper()))) for key, found in letters.items()
        },
        columns={key: frozenset(found) for key, found in columns.items()},
    )


def differences(expected: Rights, found: Rights) -> list[str]:
    """Name every right that is granted and not written, or written and not granted."""
    lines = []
    for kind, name, role in sorted(expected.cells.keys() | found.cells.keys()):
        allowed, has = set(expected.letters(kind, name, role)), set(found.letters(kind, name, role))
        lines += [f"{role} has {each} on {name}, which is not written" for each in sorted(has - allowed)]
        lines += [f"{role} lacks {each} on {name}" for each in sorted(allowed - has)]
    for name, role, letter in sorted(expected.columns.keys() | found.columns.keys()):
        expected_columns = expected.columns.get((name, role, letter), frozenset())
        has_columns = found.columns.get((name, role, letter), frozenset())
        lines += [f"{role} has {letter} on {name}.{each}" for each in sorted(has_columns - expected_columns)]
        lines += [f"{role} lacks {letter} on {name}.{each}" for each in sorted(expected_columns - has_columns)]
    return lines

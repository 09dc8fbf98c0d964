"""A place in a JSON document, with its path, so that a finding can say where it is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = Any

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SAID_OF_A_USE = frozenset(("default", "deprecated", "description", "example", "examples", "summary", "title"))


@dataclass(frozen=True, slots=True)
class Breaking:
    """A change that breaks somebody. `where` is a JSONPath (RFC 9535) in the older document."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A value and its place. What a document leaves out reads as an empty object: `node["a"]["b"]` never fails."""

    root: Json
    path: str
    value: Json

    def __getitem__(self, key: str) -> "Node":
        value = self.value.get(key, {}) if isinstance(self.value, dict) else {}
        return Node(self.root, _joined(self.path, key), value)

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def items(self) -> Iterator[tuple[str, "Node"]]:
        """Yield the members of an object."""
        for key in self.value if isinstance(self.value, dict) else ():
            yield key, self[key]

    def elements(self) -> list["Node"]:
        """Return the elements of an array."""
        values = self.value if isinstance(self.value, list) else []
        return [Node(self.root, f"{self.path}[{number}]", value) for number, value in enumerate(values)]

    def get(self, key: str) -> Json:
        """Return the bare value of a member; None when it is not there."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    def replaced(self, value: Json) -> "Node":
        """Return another value as if it stood here."""
        return Node(self.root, self.path, value)

    def resolved(self) -> "Node":
        """Follow references within the document. Members beside a `$ref` hold over those that it names.

        A reference into another file stays as it is.
        """
        reference = self.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#"):
            return self
        target = referred_to(self.root, reference).resolved()
        beside = {key: value for key, value in self.value.items() if key != "$ref"}
        # What is wrong is wrong where it is defined, unless this use makes a schema of its own out of it.
        place = target if beside.keys() <= _SAID_OF_A_USE else self
        return place.replaced({**target.value, **beside}) if beside else target


def referred_to(root: Json, reference: str) -> Node:
    """Return what a reference within the document (`#/a/b`) names, which may be a reference itself."""
    target = Node(root, "$", root)
    for part in reference.removeprefix("#").split("/")[1:]:
        target = target[part.replace("~1", "/").replace("~0", "~")]
    return target


def references(value: Json) -> Iterator[str]:
    """Yield every reference within the document that a value has, at whatever depth."""
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith("#"):
            yield reference
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for element in value:
            yield from references(element)


def _joined(path: str, key: str) -> str:
    if _PLAIN.fullmatch(key):
        return f"{path}.{key}"
    quoted = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"{path}['{quoted}']"

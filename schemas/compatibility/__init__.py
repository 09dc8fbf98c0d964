"""Says what a published document may not take back: the rules between an older version of it and a newer one.

- Events, their headers and AsyncAPI: what was written stays readable for ever, and what is written today is readable
  by whoever knows the older document. So only optional members may be added; the way out is a new schema version.
- OpenAPI: no client of the older document may break. A request may become laxer, an answer may become richer.
- Titles, descriptions and examples may always change.
- What was said and never so may be put right (`schemas.compatibility.corrections`).

An OpenAPI or AsyncAPI document that raises the first number of `info.version` begins a new contract, as an event's
new version does: it is not compared with the one before.

Not for: where the versions come from. Pure functions of two documents.
"""

from collections.abc import Iterator

from schemas.compatibility.asyncapi import asyncapi_changes
from schemas.compatibility.json_schema import SchemaComparison, Use
from schemas.compatibility.node import Breaking, Json, Node
from schemas.compatibility.openapi import openapi_changes

__all__ = ["Breaking", "Json", "breaking_changes"]


def breaking_changes(old: Json, new: Json) -> list[Breaking]:
    """Return what in `new` breaks who relies on `old`, each once, in the order of `old`."""
    return list(dict.fromkeys(_changes(Node(old, "$", old), Node(new, "$", new))))


def _changes(old: Node, new: Node) -> Iterator[Breaking]:
    kind = _kind(old)
    if _kind(new) != kind:
        yield Breaking("$", "has become another kind of document")
    elif kind == "schema":
        yield from SchemaComparison().compare(old, new, Use.EVENT)
    elif _contract(old) == _contract(new):
        yield from (openapi_changes if kind == "openapi" else asyncapi_changes)(old, new)


def _kind(document: Node) -> str:
    return next((kind for kind in ("openapi", "asyncapi") if kind in document), "schema")


def _contract(document: Node) -> str:
    return str(document["info"]["version"].value).partition(".")[0]

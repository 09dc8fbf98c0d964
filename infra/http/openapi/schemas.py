"""Schemas as generators of clients need them: without members that say nothing or the wrong thing."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Json = dict[str, Any]

_IN_A_MAP = ("properties", "$defs", "patternProperties")
_IN_A_LIST = ("anyOf", "oneOf", "allOf", "prefixItems")
_ALONE = ("items", "additionalProperties", "propertyNames", "not")
_REFERENCE = "#/components/schemas/"
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")

# Python's first and last year are left out, where an offset can lead out of what it knows; RFC 3339 has 0000 as well.
_DAY = r"(?!0000|0001|9999)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
_PATTERNS = {"date": f"^{_DAY}$", "date-time": f"^{_DAY}T{_TIME}$"}


def plain(schema: Json) -> Json:
    """Return a schema without titles made of names and defaults of null, and with the width of its integers.

    A default makes a field required for who generates types from the schema; and what is left out is not null.
    Integers of which nothing is said have 32 bits in Go and Java: too few for positions and for amounts.
    """
    said = {key: value for key, value in schema.items() if not _says_nothing(key, value)}
    return _within(said | ({"format": "int64"} if said.get("type") == "integer" else {}), plain)


def never_null(schema: Json) -> Json:
    """Return the schema of a parameter: neither a query string nor a header can spell null."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
    if not choices:
        return schema
    beside = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**choices[0], **beside} if len(choices) == 1 else {**beside, "anyOf": choices}


def bounded(schema: Json) -> Json:
    """Return what a client may send with the bounds of its dates and times, where it says none itself."""
    pattern = None if "pattern" in schema or "const" in schema else _PATTERNS.get(str(schema.get("format")))
    return _within(schema if pattern is None else {**schema, "pattern": pattern}, bounded)


def may_grow(schema: Json) -> Json:
    """Return the schema of an answer: its reader has to expect members that are added later."""
    closed = schema.get("additionalProperties") is False
    return _within({**schema, "additionalProperties": True} if closed else schema, may_grow)


def with_names_of_values(name: str, schema: Json) -> Json:
    """Return the schema of an enumeration with a name for each value that no other enumeration has.

    Go puts the values of all of them into one package.
    """
    values = schema.get("enum", ())
    if not values or not all(isinstance(value, str) for value in values):
        return schema
    return {**schema, "x-enum-varnames": [_constant(name, value) for value in values]}


def renamed(document: Any, names: Mapping[str, str]) -> Any:
    """Return the document with other names of schemas, where they are referred to as well."""
    if isinstance(document, list):
        return [renamed(each, names) for each in document]
    if not isinstance(document, dict):
        return document
    return {
        key: _renamed_reference(value, names) if key == "$ref" and isinstance(value, str) else renamed(value, names)
        for key, value in document.items()
    }


def reached(roots: Iterable[Any], schemas: Mapping[str, Json]) -> set[str]:
    """Return the names of the schemas that are referred to from `roots`, directly or by others."""
    found: set[str] = set()
    waiting = [name for root in roots for name in _references(root)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _references(schemas[name])
    return found


def _within(schema: Json, change: Callable[[Json], Json]) -> Json:
    """Return a schema whose own schemas are changed."""
    changed = dict(schema)
    for word in _IN_A_MAP:
        if word in changed:
            changed[word] = {name: change(inner) for name, inner in changed[word].items()}
    for word in _IN_A_LIST:
        if word in changed:
            changed[word] = [change(inner) for inner in changed[word]]
    for word in _ALONE:
        if isinstance(changed.get(word), dict):
            changed[word] = change(changed[word])
    return changed


def _says_nothing(key: str, value: object) -> bool:
    return key == "title" or (key == "default" and value is None)


def _constant(name: str, value: str) -> str:
    return "_".join(word.upper() for word in (*_WORD.split(name), *_WORD.split(value)))


def _renamed_reference(target: str, names: Mapping[str, str]) -> str:
    name = target.removeprefix(_REFERENCE)
    return f"{_REFERENCE}{names.get(name, name)}" if name != target else target


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].removeprefix(_REFERENCE)
        node = list(node.values())
    for inner in node if isinstance(node, list) else ():
        yield from _references(inner)

"""Compares two JSON Schemas by what was valid, or what could come, before and after.

Not a proof of inclusion, which JSON Schema does not allow in general: a keyword that is not known here must not change
in the direction that could hurt.
"""

import json
from collections.abc import Iterator
from enum import Enum

from schemas.compatibility.node import Breaking, Json, Node, references, referred_to

_SAYS_NOTHING = frozenset(
    (
        *("title", "description", "examples", "example", "deprecated", "readOnly", "writeOnly", "externalDocs", "xml"),
        *("$schema", "$id", "$comment", "$defs", "definitions"),
    )
)
_ELSEWHERE = frozenset(
    ("type", "$ref", "enum", "const", "default", "properties", "required", "additionalProperties", "items")
)
_LOWER_BOUNDS = frozenset(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"))
_UPPER_BOUNDS = frozenset(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"))
_64_BITS = 2**63
_CHOICES = ("anyOf", "oneOf")
_ALL_HOLD = ("allOf", "prefixItems")
_KINDS_OF_VALUES = {
    bool: "boolean",
    dict: "object",
    float: "number",
    int: "integer",
    list: "array",
    str: "string",
    type(None): "null",
}


class Use(Enum):
    """Who writes what the schema describes, and who reads it."""

    EVENT = "written and read by old and new alike"
    REQUEST = "written by old clients, read by the new server"
    RESPONSE = "written by the new server, read by old clients"


class SchemaComparison:
    """Compares the schemas of two documents; a pair that is met again is not compared again."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, Use], list[Breaking]] = {}
        self._same_definitions: dict[str, bool] = {}

    def compare(self, old: Node, new: Node, use: Use) -> list[Breaking]:
        """Return what breaks; a finding may be there more than once."""
        old, new = old.resolved(), new.resolved()
        key = (old.path, new.path, use)
        if key not in self._known:
            self._known[key] = []  # a schema within itself adds nothing to what its other members say
            if not self._is_same(old, new):
                self._known[key] = list(self._choices(old, new, use))
        return self._known[key]

    def _is_same(self, old: Node, new: Node) -> bool:
        """Tell whether nothing changed, in what the schemas refer to neither."""
        return _are_same(old.value, new.value) and all(
            self._is_same_definition(reference, old, new) for reference in references(old.value)
        )

    def _is_same_definition(self, reference: str, old: Node, new: Node) -> bool:
        if reference not in self._same_definitions:
            met, waiting, same = {reference}, [reference], True
            while waiting and same:
                place = waiting.pop()
                before, after = (referred_to(node.root, place) for node in (old, new))
                same = _are_same(before.value, after.value)
                found = set(references(before.value)) - met
                met |= found
                waiting += found
            self._same_definitions[reference] = same
        return self._same_definitions[reference]

    def _choices(self, old: Node, new: Node, use: Use) -> Iterator[Breaking]:
        """Each choice of the one who wrote has to be one of the one who reads."""
        earlier, later = _choices(old), _choices(new)
        if use is not Use.RESPONSE:
            for choice in earlier:
                alike = [other for other in later if _kind(other) == _kind(choice)]
                if alike:
                    yield from min((list(self._keywords(choice, other, use)) for other in alike), key=len)
                else:
                    yield Breaking(old.path, f"{_kind(choice)} has become {_kinds(later)}")
        if use is not Use.REQUEST and not (use is Use.RESPONSE and _is_reserved(earlier)):
            for choice in later:
                alike = [other for other in earlier if _kind(other) == _kind(choice)]
                if alike:
                    yield from min((list(self._keywords(other, choice, use)) for other in alike), key=len)
                else:
                    yield Breaking(old.path, f"{_kinds(earlier)} has become {_kinds(later)}")

    def _keywords(self, old: Node, new: Node, use: Use) -> Iterator[Breaking]:
        yield from _values(old, new, use)
        yield from self._members(old, new, use)
        yield from self._other_members(old, new, use)
        if "items" in old or "items" in new:
            yield from self.compare(old["items"], new["items"], use)
        pairwise = {word for word in _ALL_HOLD if len(old[word].elements()) == len(new[word].elements())}
        for word in sorted(pairwise):
            for before, after in zip(old[word].elements(), new[word].elements(), strict=True):
                yield from self.compare(before, after, use)
        for word in sorted({key for node in (old, new) for key, _ in node.items()} - _ELSEWHERE - pairwise):
            if word not in _SAYS_NOTHING and not word.startswith("x-"):
                yield from _keyword(word, old, new, use)

    def _members(self, old: Node, new: Node, use: Use) -> Iterator[Breaking]:
        earlier, later = old["properties"], new["properties"]
        for name, before in earlier.items():
            if name not in later:
                yield Breaking(before.path, "removed")
                continue
            yield from self.compare(before, later[name], use)
            if use is not Use.RESPONSE and name not in _required(old):
                yield from default_change(before, later[name])
        yield from _presence(old, new, use)
        if old.get("additionalProperties") not in (None, True, False, {}):  # a map: the member could be there before
            for name, after in later.items():
                if name not in earlier:
                    yield from self.compare(old["additionalProperties"], after, use)

    def _other_members(self, old: Node, new: Node, use: Use) -> Iterator[Breaking]:
        before, after = (node.value.get("additionalProperties", True) for node in (old, new))
        if before is True and after is True:
            return
        if use is Use.RESPONSE and (before is False or before is True):
            return  # an answer may become richer, and may promise more
        where = old["additionalProperties"]
        other = new["additionalProperties"]
        yield from self.compare(where.replaced(before), other.replaced(after), use)


def default_change(old: Node, new: Node) -> Iterator[Breaking]:
    """Say when what is meant by leaving a value out has changed: what was written without it would read otherwise."""
    before, after = old.resolved().get("default"), new.resolved().get("default")
    if before != after:
        yield Breaking(old.path, f"the default {_shown(before)} has become {_shown(after)}")


def _choices(schema: Node) -> list[Node]:
    """Return the schemas of which one has to hold, each of one kind."""
    schema = schema.resolved()
    if schema.value is False:
        return []
    for word in _CHOICES:
        if word in schema:
            beside = {key: value for key, value in schema.value.items() if key not in _CHOICES}
            return [
                choice.replaced({**beside, **choice.value})
                for element in schema[word].elements()
                for choice in _choices(element)
            ]
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return [schema.replaced({**schema.value, "type": kind}) for kind in kinds]
    return [schema if isinstance(schema.value, dict) else schema.replaced({})]


def _kind(schema: Node) -> str:
    if "$ref" in schema:
        return str(schema.get("$ref"))
    if "type" in schema:
        return str(schema.get("type"))
    allowed = schema.get("enum") or ([schema.get("const")] if "const" in schema else [])
    return " or ".join(sorted({_KINDS_OF_VALUES[type(value)] for value in allowed})) or "anything"


def _kinds(schemas: list[Node]) -> str:
    return " or ".join(dict.fromkeys(_kind(schema) for schema in schemas)) or "nothing"


def _is_reserved(choices: list[Node]) -> bool:
    """Tell whether it was always null, so a place kept free: nobody can have read a value from it."""
    return [_kind(choice) for choice in choices] == ["null"]


def _presence(old: Node, new: Node, use: Use) -> Iterator[Breaking]:
    """Compare which members have to be there."""
    before, now = _required(old), _required(new)
    earlier, later = old["properties"], new["properties"]
    for name in sorted(now - before) if use is not Use.RESPONSE else ():
        what = "was optional and has become required" if name in earlier else "new and required"
        yield Breaking(earlier[name].path, what)
    for name in sorted(before - now) if use is not Use.REQUEST else ():
        if name in later or name not in earlier:  # else it was removed, which is said already
            yield Breaking(earlier[name].path, "was always there and has become optional")


def _required(schema: Node) -> set[str]:
    return set(schema.get("required") or ())


def _values(old: Node, new: Node, use: Use) -> Iterator[Breaking]:
    before, after = _allowed(old), _allowed(new)
    if before == after:
        return
    if use is not Use.RESPONSE and after is not None:
        gone = "other values" if before is None else ", ".join(sorted(before - after))
        if gone:
            yield Breaking(old.path, f"no longer allows {gone}")
    if use is not Use.REQUEST and before is not None:
        come = "other values" if after is None else ", ".join(sorted(after - before))
        if come:
            yield Breaking(old.path, f"now allows {come}")


def _allowed(schema: Node) -> frozenset[str] | None:
    """Return the values of an enumeration as JSON; None when any value goes."""
    values = [schema.get("const")] if "const" in schema else schema.get("enum")
    return None if values is None else frozenset(_shown(value) for value in values)


def _keyword(word: str, old: Node, new: Node, use: Use) -> Iterator[Breaking]:
    before, after = old.get(word), new.get(word)
    if before == after or _is_mere_width(word, old, new) or (use is Use.RESPONSE and _names_more(word, before, after)):
        return
    tighter = looser = True
    if before is None or after is None:
        tighter = before is None
        looser = not tighter
    elif word in _LOWER_BOUNDS | _UPPER_BOUNDS:
        tighter = (after > before) == (word in _LOWER_BOUNDS)
        looser = not tighter
    if (tighter and use is not Use.RESPONSE) or (looser and use is not Use.REQUEST):
        yield Breaking(old.path, f"{word} {_shown(before)} has become {_shown(after)}")


def _names_more(word: str, before: Json, after: Json) -> bool:
    """Whether a discriminator names more choices than before, and those that it had as it did: an answer got richer."""
    if word != "discriminator" or not (isinstance(before, dict) and isinstance(after, dict)):
        return False
    earlier, later = before.get("mapping") or {}, after.get("mapping") or {}
    same_member = before.get("propertyName") == after.get("propertyName")
    return same_member and all(later.get(name) == schema for name, schema in earlier.items())


def _is_mere_width(word: str, old: Node, new: Node) -> bool:
    """Tell whether 64 bits are said of an integer whose largest value needs no more: that is a word to generators."""
    largest = old.get("maximum")
    return (
        word == "format"
        and (old.get(word), new.get(word)) == (None, "int64")
        and largest is not None
        and largest < _64_BITS
    )


def _are_same(old: Json, new: Json) -> bool:
    return bool(old == new) and _shown(old) == _shown(new)  # Python takes true for 1


def _shown(value: Json) -> str:
    return "(none)" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)

"""Compares two OpenAPI documents: every request that was right stays right, every answer stays readable."""

from collections.abc import Iterator

from schemas.compatibility.json_schema import SchemaComparison, Use, default_change
from schemas.compatibility.node import Breaking, Node

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def openapi_changes(old: Node, new: Node) -> Iterator[Breaking]:
    """Yield what breaks clients of the older document; a finding may come more than once."""
    schemas = SchemaComparison()
    for path, before in old["paths"].items():
        if path not in new["paths"]:
            yield Breaking(before.path, "path removed")
            continue
        after = new["paths"][path]
        for method in _METHODS:
            if method in before and method not in after:
                yield Breaking(before[method].path, "operation removed")
            elif method in before:
                yield from _parameters(before, after, method, schemas)
                yield from _request_body(before[method], after[method], schemas)
                yield from _responses(before[method]["responses"], after[method]["responses"], schemas)
                yield from _security(before[method], after[method])
    yield from _security_schemes(old, new)


def _parameters(old_path: Node, new_path: Node, method: str, schemas: SchemaComparison) -> Iterator[Breaking]:
    earlier, later = _parameters_of(old_path, method), _parameters_of(new_path, method)
    for key, before in earlier.items():
        after = later.get(key)
        if after is None:
            yield Breaking(before.path, f"{_named(key)} removed")
            continue
        if after.get("required") and not before.get("required"):
            yield Breaking(before.path, f"{_named(key)} has become required")
        yield from schemas.compare(_spellable(before["schema"]), _spellable(after["schema"]), Use.REQUEST)
        if not before.get("required"):
            yield from default_change(before["schema"], after["schema"])
    for key, after in later.items():
        if key not in earlier and after.get("required"):
            yield Breaking(old_path[method].path, f"{_named(key)} is new and required")


def _spellable(schema: Node) -> Node:
    """Return the schema without null, which neither a query string nor a header or a path can spell."""
    choices = schema.get("anyOf")
    if not choices:
        return schema
    return schema.replaced({**schema.value, "anyOf": [each for each in choices if each.get("type") != "null"]})


def _parameters_of(path: Node, method: str) -> dict[tuple[str, str], Node]:
    """Return an operation's parameters by place and name; its own hold over those of its path."""
    resolved = [each.resolved() for node in (path, path[method]) for each in node["parameters"].elements()]
    return {(str(each.get("in")), _comparable(each)): each for each in resolved}


def _comparable(parameter: Node) -> str:
    name = str(parameter.get("name"))
    return name.lower() if parameter.get("in") == "header" else name


def _named(key: tuple[str, str]) -> str:
    return f"the {key[0]} parameter {key[1]}"


def _request_body(old: Node, new: Node, schemas: SchemaComparison) -> Iterator[Breaking]:
    before, after = old["requestBody"].resolved(), new["requestBody"].resolved()
    if after.get("required") and not before.get("required"):
        yield Breaking(old.path, "the request body has become required")
    yield from _content(before, after, Use.REQUEST, schemas)


def _responses(old: Node, new: Node, schemas: SchemaComparison) -> Iterator[Breaking]:
    for status, reference in old.items():
        if status not in new:
            yield Breaking(reference.path, "response removed")
            continue
        before, after = reference.resolved(), new[status].resolved()
        yield from _content(before, after, Use.RESPONSE, schemas)
        for name, header in before["headers"].items():
            if name not in after["headers"]:
                yield Breaking(header.path, "response header removed")
                continue
            was, now = header.resolved(), after["headers"][name].resolved()
            yield from schemas.compare(was["schema"], now["schema"], Use.RESPONSE)


def _content(old: Node, new: Node, use: Use, schemas: SchemaComparison) -> Iterator[Breaking]:
    for media_type, before in old["content"].items():
        if media_type in new["content"]:
            yield from schemas.compare(before["schema"], new["content"][media_type]["schema"], use)
        else:
            yield Breaking(before.path, "media type removed")


def _security(old: Node, new: Node) -> Iterator[Breaking]:
    """Each way to be let in has to stay one. No list, or an empty one, lets everybody in."""
    befores, afters = _ways_in(old), _ways_in(new)
    if any(way not in afters for way in befores) and {} not in afters:
        yield Breaking(old.path, "asks for other credentials")


def _ways_in(operation: Node) -> list[object]:
    own = operation.get("security")
    ways = operation.root.get("security") if own is None else own
    return list(ways) if ways else [{}]


def _security_schemes(old: Node, new: Node) -> Iterator[Breaking]:
    for name, before in old["components"]["securitySchemes"].items():
        if _rules(before) != _rules(new["components"]["securitySchemes"][name]):
            yield Breaking(before.path, "credentials are given in another way")


def _rules(scheme: Node) -> dict[str, object]:
    return {key: member.value for key, member in scheme.items() if key != "description"}

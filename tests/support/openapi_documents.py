"""The OpenAPI documents of both APIs as they are published, and a walk over their schemas."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from tests.support.exported_schemas import EXPORTED

DOCUMENTS: dict[str, Any] = {
    path.stem: json.loads(path.read_text("utf-8")) for path in sorted((EXPORTED / "openapi").glob("*.json"))
}


def operations(document: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every operation with its method and path."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def schemas_in(node: Any, path: str = "$") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object in the document that stands where a schema may, with its place."""
    if isinstance(node, dict):
        if "type" in node or "$ref" in node or "anyOf" in node:
            yield path, node
        for key, value in node.items():
            if key not in {"examples", "example", "value"}:
                yield from schemas_in(value, f"{path}.{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from schemas_in(value, f"{path}[{number}]")


def validator(document: Any, schema: Any) -> Draft202012Validator:
    """Return a validator of a schema of the document, whose references are followed."""
    return Draft202012Validator(_absolute(schema), registry=_registry(id(document)), format_checker=FormatChecker())


@cache
def _registry(identity: int) -> Registry[Any]:
    (document,) = (each for each in DOCUMENTS.values() if id(each) == identity)
    schema = {"$schema": Draft202012Validator.META_SCHEMA["$id"], **_absolute(document)}
    resource: Resource[Any] = Resource.from_contents(schema)
    registry: Registry[Any] = Registry().with_resource("urn:document", resource)
    return registry


def _absolute(node: Any) -> Any:
    if isinstance(node, list):
        return [_absolute(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: f"urn:document{value}" if key == "$ref" and isinstance(value, str) else _absolute(value)
        for key, value in node.items()
    }

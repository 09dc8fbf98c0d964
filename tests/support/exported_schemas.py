"""The exported files, as another team gets them: the AsyncAPI document, and a validator of what it describes."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

EXPORTED = Path(__file__).parents[2] / "schemas" / "exported"
ASYNCAPI: dict[str, Any] = json.loads((EXPORTED / "asyncapi.json").read_text("utf-8"))


def message(topic: str, name: str) -> dict[str, Any]:
    """Return the message `name` of a channel, its reference followed. Raises KeyError for one that is not described."""
    reference = ASYNCAPI["channels"][topic]["messages"][name]["$ref"]
    found: dict[str, Any] = followed(reference)
    return found


def followed(reference: str) -> Any:
    """Return what a reference within the document leads to. Raises KeyError."""
    place: Any = ASYNCAPI
    for part in reference.removeprefix("#/").split("/"):
        place = place[part]
    return place


def validate(schema: dict[str, Any], value: object) -> None:
    """Raise ValidationError unless the value fits; references are to the exported files."""
    Draft202012Validator(schema, registry=_files(), format_checker=FormatChecker()).validate(value)


def described_headers(schema: dict[str, Any]) -> set[str]:
    """Return the names of all headers that a message's schema of headers describes."""
    if "$ref" in schema:
        schema = _files().get_or_retrieve(schema["$ref"]).value.contents
    named = set(schema.get("properties", {}))
    return named.union(*(described_headers(part) for part in schema.get("allOf", ())))


@cache
def _files() -> Registry[Any]:
    paths = [path for path in EXPORTED.rglob("*.json") if path.name != "asyncapi.json"]
    return Registry().with_resources(
        (f"./{path.relative_to(EXPORTED)}", Resource.from_contents(json.loads(path.read_text("utf-8"))))
        for path in paths
        if path.parent.name != "openapi"
    )

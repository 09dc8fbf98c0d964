"""The JSON Schema of every event type, in every version that the log may hold."""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from schemas.events import EVENT_TYPES, EventType
from schemas.events.event_type import schema_id
from schemas.events.examples import EXAMPLES

DIALECT = "https://json-schema.org/draft/2020-12/schema"
JsonSchema = dict[str, Any]


class OldVersionLost(FileNotFoundError):
    """The file of an older version is not there, and cannot be made again: no code writes that version any more."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"schemas/exported/{path} is missing. Its version is no longer written, but the log may hold events in it. "
            "Get the file back from the git history."
        )
        self.path = path


class _WithoutFieldTitles(GenerateJsonSchema):
    """Leaves out the titles that pydantic makes of field names: they say nothing that the names do not."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


def event_schemas() -> Mapping[str, JsonSchema]:
    """Return `events/<type>.v<version>.json` for every version of every event type.

    The newest version comes from the code, and the older ones, which only have upcasters, from their exported files.
    Raises OldVersionLost.
    """
    return {
        schema_path(event_type, version): (
            _newest(event_type) if version == event_type.version else _older(schema_path(event_type, version))
        )
        for event_type, version in every_version()
    }


def every_version() -> list[tuple[EventType[Any], int]]:
    """Return each event type with each of its versions."""
    return [(each, version) for each in EVENT_TYPES for version in range(1, each.version + 1)]


def schema_path(event_type: EventType[Any], version: int) -> str:
    """Return where the schema is, relative to the folder of exported files."""
    return f"events/{event_type.name}.v{version}.json"


def example_data(event_type: EventType[Any]) -> JsonSchema:
    """Return an example of a type's data as it is written. Raises KeyError when there is none."""
    data: JsonSchema = json.loads(event_type.adapter.dump_json(EXAMPLES[event_type.name]))
    return data


def _newest(event_type: EventType[Any]) -> JsonSchema:
    schema = event_type.adapter.json_schema(mode="serialization", schema_generator=_WithoutFieldTitles)
    return {
        **_plain(schema),
        "$schema": DIALECT,
        "$id": schema_id(event_type.name, event_type.version),
        "title": event_type.name,
        "examples": [example_data(event_type)],
    }


def _older(path: str) -> JsonSchema:
    try:
        schema: JsonSchema = json.loads(files("schemas").joinpath("exported", path).read_text("utf-8"))
    except FileNotFoundError:
        raise OldVersionLost(path) from None
    return schema


def _plain(schema: Any) -> Any:
    """Return the schema with its descriptions, which are docstrings, without the marks of reStructuredText."""
    if isinstance(schema, dict):
        return {
            key: value.replace("``", "`") if key == "description" and isinstance(value, str) else _plain(value)
            for key, value in schema.items()
        }
    return [_plain(value) for value in schema] if isinstance(schema, list) else schema

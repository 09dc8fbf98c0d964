"""Parts of published documents, and what a change of one breaks."""

from typing import Any

from schemas.compatibility import breaking_changes

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
MAYBE_TEXT: Schema = {"anyOf": [{"type": "string"}, {"type": "null"}]}
NUMBER: Schema = {"type": "integer"}


def an_object(*optional: str, **properties: Schema) -> Schema:
    """Return an object whose properties are required, but for those named."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def found(old: Schema, new: Schema) -> list[str]:
    return [str(change) for change in breaking_changes(old, new)]

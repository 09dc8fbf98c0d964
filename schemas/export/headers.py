"""The headers of a Kafka message as a JSON Schema: what `schemas.cloudevents` writes, said to those who read it."""

from collections.abc import Mapping
from typing import Any

from schemas.cloudevents import CONTENT_TYPE, SOURCE
from schemas.export.events import DIALECT, JsonSchema

HEADERS_PATH = "headers.json"

_DESCRIPTION = (
    "The headers of every message: CloudEvents 1.0 in binary mode, and trace context. "
    "Each is text in UTF-8, numbers too. Headers that are not named here may come; ignore them."
)

_UUID = {"type": "string", "format": "uuid"}
_TEXT = {"type": "string"}
_FROM_0 = {"type": "string", "pattern": "^(0|[1-9][0-9]*)$"}
_FROM_1 = {"type": "string", "pattern": "^[1-9][0-9]*$"}

_ALWAYS: Mapping[str, tuple[dict[str, Any], str]] = {
    "ce_specversion": ({"type": "string", "const": "1.0"}, "The version of CloudEvents."),
    "ce_id": (_UUID, "Names the event. The same in every delivery of it."),
    "ce_source": ({"type": "string", "pattern": f"^{SOURCE}/[a-z-]+$"}, "Where it comes from: the stream's category."),
    "ce_type": (_TEXT, "The event's type. Unknown ones may come: see how to consume."),
    "ce_subject": (_UUID, "The stream, which is the payment; equal to the message's key."),
    "ce_time": ({"type": "string", "format": "date-time"}, "When the log recorded it: RFC 3339 in UTC, ends with Z."),
    "ce_dataschemaversion": (_FROM_1, "The version of the type's schema that the value is written in."),
    "ce_position": (
        _FROM_1,
        """The event's place in the whole log, of up to 63 bits. Positions have gaps and rise within a partition.
        A message whose position is not above the last one applied from its partition was applied before: drop it.""",
    ),
    "ce_prevposition": (
        _FROM_0,
        """The position of the message before it in the same partition; 0: there is none. When it is above the last
        position applied from this partition, messages in between are missing: do not apply the message, read the
        partition again from its beginning.""",
    ),
    "ce_streamversion": (_FROM_1, "The event's number within its stream, from 1, without gaps."),
    "ce_merchantid": (_TEXT, "Whose payment it is."),
    "ce_actor": (_TEXT, "Who caused it: `api:` and the key's id, a consumer's name, or an operator."),
    "ce_correlationid": (_TEXT, "Common to all that one request set off."),
    "content-type": ({"type": "string", "const": CONTENT_TYPE}, "The media type of the value."),
}
_SOMETIMES: Mapping[str, tuple[dict[str, Any], str]] = {
    "ce_causationid": (_TEXT, "The event or message that this one is a reaction to."),
    "ce_requestid": (_TEXT, "The HTTP request behind it, as its answer and the logs name it."),
    "traceparent": (_TEXT, "W3C trace context of what appended the event."),
}


def headers_schema() -> JsonSchema:
    """Return the schema of a message's headers, as an object of texts by name."""
    return {
        "$schema": DIALECT,
        "$id": "urn:paystream:headers",
        "title": "Kafka headers",
        "description": _DESCRIPTION,
        "type": "object",
        "properties": {
            name: {**schema, "description": " ".join(meaning.split())}
            for name, (schema, meaning) in {**_ALWAYS, **_SOMETIMES}.items()
        },
        "required": sorted(_ALWAYS),
    }

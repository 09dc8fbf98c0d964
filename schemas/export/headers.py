"""The headers of a Kafka message as a JSON Schema: what `schemas.cloudevents` writes, said to those who read it."""

from collections.abc import Mapping
from typing import Any

from schemas.cloudevents import CONTENT_TYPE, SOURCE
from schemas.export.events import DIALECT, JsonSchema

HEADERS_PATH = "headers.json"
DEAD_LETTER_HEADERS_PATH = "dead-letter-headers.json"

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
    "ce_subject": (_UUID, "The stream, in `paystream.payment` the payment; equal to the message's key."),
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
    "ce_merchantid": (_TEXT, "Whose payment it is; `-` for what is no merchant's, as an event of Stripe."),
    "ce_actor": (
        _TEXT,
        "Who caused it: `api:<key id>`, `api:<key id>/<person>`, a consumer's name, an operator, or `stripe`.",
    ),
    "ce_correlationid": (_TEXT, "Common to all that one request set off."),
    "content-type": ({"type": "string", "const": CONTENT_TYPE}, "The media type of the value."),
}
_SOMETIMES: Mapping[str, tuple[dict[str, Any], str]] = {
    "ce_dataschema": (
        {"type": "string", "format": "uri"},
        """The `$id` of the schema that the value is written in: `urn:paystream:event:<type>:v<version>`. Messages of
        the first releases do not have it.""",
    ),
    "ce_causationid": (_TEXT, "The event or message that this one is a reaction to."),
    "ce_requestid": (_TEXT, "The HTTP request behind it, as its answer and the logs name it."),
    "ce_logid": (
        _UUID,
        "The log it was published from. Never two in one topic: another one tells of a cluster that is not yours.",
    ),
    "ce_idempotencykey": (_TEXT, "The idempotency key of the command behind it, if it had one."),
    "ce_requestfingerprint": (_TEXT, "Tells that command's request from another one under the same key."),
    "ce_answerstatus": (_FROM_1, "The HTTP status with which that command was answered."),
    "traceparent": (_TEXT, "W3C trace context of what appended the event."),
}

_DEAD_LETTER_DESCRIPTION = (
    "The headers of a message in a dead-letter topic: those that the record had, as they were, and these, which are "
    "text in UTF-8."
)
_DEAD_LETTER_ALWAYS: Mapping[str, tuple[dict[str, Any], str]] = {
    "dlq_id": (_FROM_1, "Names the dead letter: the same in every announcement of it."),
    "dlq_reason": (
        _TEXT,
        """Why it was not applied: `undecodable`, `refused` (the consumer failed on it) or `behind` (an earlier record
        of its stream is a dead letter). Others may come.""",
    ),
    "dlq_errortype": (_TEXT, "The kind of error; empty when there was none."),
    "dlq_error": (_TEXT, "The error's text."),
    "dlq_consumer": (_TEXT, "Which consumer could not apply it."),
    "dlq_topic": (_TEXT, "Where the record was."),
    "dlq_partition": (_FROM_0, "Where the record was."),
    "dlq_offset": (_FROM_0, "Where the record was. A topic that is filled again has other offsets."),
    "dlq_failedat": ({"type": "string", "format": "date-time"}, "When it was tried last: RFC 3339."),
}
_DEAD_LETTER_SOMETIMES: Mapping[str, tuple[dict[str, Any], str]] = {
    "dlq_valueleftout": (
        _FROM_0,
        """The value and the other headers are not here: together with these the message is too large. How many bytes
        the value has.""",
    ),
}


def headers_schema() -> JsonSchema:
    """Return the schema of a message's headers, as an object of texts by name."""
    return _schema("urn:paystream:headers", "Kafka headers", _DESCRIPTION, _ALWAYS, _SOMETIMES)


def dead_letter_headers_schema() -> JsonSchema:
    """Return the schema of the headers that a message in a dead-letter topic has beside its own."""
    return _schema(
        "urn:paystream:dead-letter-headers",
        "Kafka headers of a dead letter",
        _DEAD_LETTER_DESCRIPTION,
        _DEAD_LETTER_ALWAYS,
        _DEAD_LETTER_SOMETIMES,
    )


def _schema(
    identifier: str,
    title: str,
    description: str,
    always: Mapping[str, tuple[dict[str, Any], str]],
    sometimes: Mapping[str, tuple[dict[str, Any], str]],
) -> JsonSchema:
    return {
        "$schema": DIALECT,
        "$id": identifier,
        "title": title,
        "description": description,
        "type": "object",
        "properties": {
            name: {**schema, "description": " ".join(meaning.split())}
            for name, (schema, meaning) in {**always, **sometimes}.items()
        },
        "required": sorted(always),
    }

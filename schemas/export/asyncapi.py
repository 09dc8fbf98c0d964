"""The AsyncAPI document: which topics there are, what is in them, and how to consume them without a loss.

Sources: https://www.asyncapi.com/docs/reference/specification/v3.0.0 and, for what it says of Kafka,
https://www.asyncapi.com/docs/reference/bindings/kafka
"""

from collections.abc import Iterable, Mapping
from typing import Any

from schemas.cloudevents import CONTENT_TYPE
from schemas.events import EventType
from schemas.export.events import every_version, schema_path
from schemas.export.headers import HEADERS_PATH, headers_schema
from schemas.topics import declarations, event_topics, topic_of

ASYNCAPI_PATH = "asyncapi.json"
_KAFKA_BINDING = "0.5.0"

_DESCRIPTION = """Every payment event, for other services to consume.

A message is a CloudEvent in binary mode: the value is the event's data as JSON, the attributes are `ce_*` headers,
as UTF-8 text. The key is the stream's id, which is the payment's, so the events of one payment are in one partition and
in order. Topics keep everything: a new consumer begins at the earliest offset and sees every payment from its first
event. The relay writes in transactions, so read with `isolation.level=read_committed`.

## How to consume without a loss or a repetition

Keep a checkpoint per partition beside your own data, and move it in the same transaction as the effects: the
`ce_position` of the last message applied, 0 at first. Kafka's committed offset is only a hint where to start. For each
message compare:

| the message | then |
|---|---|
| `ce_position` <= checkpoint | you have applied it already (a redelivery, a rebalance, a refilled topic): drop it |
| `ce_prevposition` <= checkpoint < `ce_position` | apply it and set the checkpoint to `ce_position` |
| `ce_prevposition` > checkpoint | messages between the two are missing: do not apply it; seek that partition to its \
beginning and read on, dropping what you have already |

The last row happens when the topic was wiped or trimmed and is being filled again, or when the offset was moved by
hand. If reading from the beginning does not find the missing messages, stop and raise an alarm.

## How to live with change

- Ignore members of the data and headers that you do not know: optional ones may be added to any version.
- Any other change makes a new version of the type. `ce_dataschemaversion` says which schema the value follows.
  Messages of older versions stay in the topic for ever, so a consumer keeps reading all of them.
- New types may come. Move the checkpoint past a type that means nothing to you. But stop, rather than skip, at a newer
  version of a type that you apply.
- Amounts are whole numbers of the currency's smallest unit as Stripe counts it: 1000 is 10.00 USD, and 1000 JPY.
"""


def asyncapi_documents() -> Mapping[str, dict[str, Any]]:
    """Return the AsyncAPI document and the schema of headers that it refers to."""
    return {ASYNCAPI_PATH: _document(), HEADERS_PATH: headers_schema()}


def message_name(event_type: EventType, version: int) -> str:
    """Return the name of the message that carries a version of an event type."""
    return f"{event_type.name}.v{version}"


def _document() -> dict[str, Any]:
    by_topic: dict[str, list[tuple[EventType, int]]] = {topic: [] for topic in event_topics()}
    for event_type, version in every_version():
        by_topic[topic_of(_category(event_type))].append((event_type, version))
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Paystream events", "version": "1", "description": _DESCRIPTION},
        "defaultContentType": CONTENT_TYPE,
        "channels": {topic: _channel(topic, versions) for topic, versions in by_topic.items()},
        "operations": {f"publish-{topic}": _operation(topic, versions) for topic, versions in by_topic.items()},
        "components": {"messages": {message_name(*each): _message(*each) for each in every_version()}},
    }


def _category(event_type: EventType) -> str:
    """Return the category of the streams that hold the type: its name begins with it."""
    return event_type.name.partition(".")[0]


def _channel(topic: str, versions: Iterable[tuple[EventType, int]]) -> dict[str, Any]:
    names = [message_name(*each) for each in versions]
    return {
        "address": topic,
        "title": topic,
        "description": "The number of partitions is the deployment's: 12 unless it says otherwise.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "kafka": {
                "topic": topic,
                "topicConfiguration": _topic_configuration(topic),
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }


def _topic_configuration(topic: str) -> dict[str, Any]:
    declared = next(each for each in declarations(1, 1) if each.name == topic).config
    return {
        setting: value.split(",") if setting == "cleanup.policy" else int(value) for setting, value in declared.items()
    }


def _operation(topic: str, versions: Iterable[tuple[EventType, int]]) -> dict[str, Any]:
    channel = f"#/channels/{topic}"
    return {
        "action": "send",
        "summary": f"The relay publishes what the event store recorded to {topic}, in the order of positions.",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{message_name(*each)}"} for each in versions],
    }


def _message(event_type: EventType, version: int) -> dict[str, Any]:
    is_this_one = {
        "type": "object",
        "properties": {
            "ce_type": {"type": "string", "const": event_type.name},
            "ce_dataschemaversion": {"type": "string", "const": str(version)},
        },
    }
    return {
        "name": message_name(event_type, version),
        "title": f"{event_type.name}, version {version}",
        "contentType": CONTENT_TYPE,
        "headers": {"type": "object", "allOf": [{"$ref": f"./{HEADERS_PATH}"}, is_this_one]},
        "payload": {"$ref": f"./{schema_path(event_type, version)}"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "format": "uuid", "description": "The stream, as `ce_subject` has it."},
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }

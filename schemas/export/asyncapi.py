"""The AsyncAPI document: which topics there are, what is in them, and how to consume them without a loss.

Sources: https://www.asyncapi.com/docs/reference/specification/v3.0.0 and, for what it says of Kafka,
https://www.asyncapi.com/docs/reference/bindings/kafka
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from domain.ids import MerchantId
from schemas.cloudevents import CONTENT_TYPE, to_kafka
from schemas.envelope import EventMetadata, RecordedEvent
from schemas.events import EventType
from schemas.events.event_type import schema_id
from schemas.events.examples import (
    API_KEY_ID,
    EVENT_ID,
    PAYMENT_ID,
    REQUEST_ID,
    RUN_ID,
    SPLIT_PAYMENT_ID,
    WEBHOOK_ENDPOINT_ID,
)
from schemas.export.events import JsonSchema, every_version, example_data, schema_path
from schemas.export.headers import (
    DEAD_LETTER_HEADERS_PATH,
    HEADERS_PATH,
    dead_letter_headers_schema,
    headers_schema,
)
from schemas.topics import (
    ACCESS,
    PAYMENT,
    PRIVACY,
    RECONCILIATION,
    RELAY_PROGRESS,
    SPLIT_PAYMENT,
    STRIPE_BALANCE,
    STRIPE_EVENT,
    WEBHOOK_ENDPOINT,
    dead_letter_topics,
    declarations,
    event_topics,
    topic_of,
)

ASYNCAPI_PATH = "asyncapi.json"
DEAD_LETTER = "dead-letter"
PROGRESS = "relay-progress"
_KAFKA_BINDING = "0.5.0"
PAYMENT_CATEGORY = "payment"
_STREAM_IDS = {
    PAYMENT_CATEGORY: PAYMENT_ID,
    "split-payment": SPLIT_PAYMENT_ID,
    "access": API_KEY_ID,
    "webhook-endpoint": WEBHOOK_ENDPOINT_ID,
}
_POSITION = 42
_RECORDED_AT = datetime(2026, 5, 1, 10, 6, 40, 123000, UTC)
_DEAD_LETTER_EXAMPLE = {
    "dlq_id": "1",
    "dlq_reason": "refused",
    "dlq_errortype": "ValueError",
    "dlq_error": "the amount is not a number",
    "dlq_consumer": "projector",
    "dlq_topic": PAYMENT,
    "dlq_partition": "3",
    "dlq_offset": "41",
    "dlq_failedat": "2026-05-01T10:06:41.000Z",
}
# What AsyncAPI's binding knows of Kafka's topic settings, and what is a number of those.
_LISTS, _NUMBERS = {"cleanup.policy"}, {"retention.ms", "retention.bytes", "delete.retention.ms"}

_DESCRIPTION = """Every payment event, for other services to consume, what Stripe told us by webhooks, and
what our balance there says.

A message is a CloudEvent in binary mode: the value is the event's data as JSON, the attributes are `ce_*` headers,
as UTF-8 text. The key is the stream's id, which in `paystream.payment` is the payment's, so the events of one payment
are in one partition and in order. Topics keep everything: a new consumer begins at the earliest offset and sees every
payment from its first event. The relay writes in transactions, so read with `isolation.level=read_committed`.

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
hand. A message may even stand before the missing ones, once, at the beginning of a topic that was wiped: so read on to
the end before you give up, and never apply it early. If they are not in the partition at all, raise an alarm.

## Cells

Where merchants are divided over several cells that share a cluster, each cell has these topics with its name in them:
`paystream.eu-1.payment` for `paystream.payment`. A position is of one log alone, that of `ce_logid`: keep checkpoints
by topic, and never compare those of two.

## How to live with change

- Ignore members of the data and headers that you do not know: optional ones may be added to any version.
- Any other change makes a new version of the type. `ce_dataschemaversion` says which schema the value follows.
  Messages of older versions stay in the topic for ever, so a consumer keeps reading all of them.
- New types may come. Move the checkpoint past a type that means nothing to you. But stop, rather than skip, at a newer
  version of a type that you apply.
- Rely neither on Kafka's offsets, which change when a topic is filled again, nor on the order of `ce_time`.
- A text that begins with `encrypted:v1:` is personal data, which only its holder can read: show nothing of it. When
  a user is erased, `personal_data_erased` comes in the stream of each of their payments: remove what you have of the
  fields that it names.
- Amounts are whole numbers of the currency's smallest unit as Stripe counts it: 1000 is 10.00 USD, and 1000 JPY.
"""

_EVENTS_DESCRIPTION = "The number of partitions is the deployment's: 12 unless it says otherwise."
_STRIPE_EVENTS_DESCRIPTION = f"""What Stripe sent to our webhook, as it came but for client secrets: each event once, in
the order in which we recorded them, which is not that in which they happened. Every event is a stream of its own. The
`payload` is Stripe's, in the API version that it names. What is true of a payment is told by `{PAYMENT}` alone: this
topic also has what came late, and what is about other objects of the Stripe account. {_EVENTS_DESCRIPTION}"""
_STRIPE_BALANCE_DESCRIPTION = f"""What our balance at Stripe says, read there again and again: each balance transaction
once, and each payout once for every status that was seen. Amounts are signed and count the smallest unit as Stripe
does. All of it is the Stripe account's; what a row is about is told by its `source_id`. {_EVENTS_DESCRIPTION}"""
_RECONCILIATION_DESCRIPTION = f"""The daily comparison of our ledger with Stripe. A stream is either the runs
of one day, or one discrepancy with its life: opened, explained, resolved, reopened. {_EVENTS_DESCRIPTION}"""
_SPLIT_PAYMENTS_DESCRIPTION = f"""Split payments: one purchase that several payments pay, its legs, all or nothing. A
stream is one split payment. The money of a leg is told by the leg's own events in `{PAYMENT}`, whose
`payment.requested` names the split payment. {_EVENTS_DESCRIPTION}"""
_PRIVACY_DESCRIPTION = f"""What was erased or handed out of a user's personal data, by whom and why; and of each key
that was destroyed, that it was, in a stream of its own. What to remove of your own copies, `personal_data_erased` says
in the streams of the payments. {_EVENTS_DESCRIPTION}"""
_ACCESS_DESCRIPTION = f"""Who may call the APIs: merchants, and the API keys of merchants and of the operator. A stream
is one merchant or one key. No key is in it, and no hash of one. {_EVENTS_DESCRIPTION}"""
_WEBHOOK_ENDPOINTS_DESCRIPTION = f"""The endpoints at which merchants get their events by HTTP, and that nothing is sent
to any more. A stream is one endpoint. {_EVENTS_DESCRIPTION}"""
_DESCRIPTIONS = {
    PAYMENT: _EVENTS_DESCRIPTION,
    SPLIT_PAYMENT: _SPLIT_PAYMENTS_DESCRIPTION,
    STRIPE_EVENT: _STRIPE_EVENTS_DESCRIPTION,
    STRIPE_BALANCE: _STRIPE_BALANCE_DESCRIPTION,
    RECONCILIATION: _RECONCILIATION_DESCRIPTION,
    PRIVACY: _PRIVACY_DESCRIPTION,
    ACCESS: _ACCESS_DESCRIPTION,
    WEBHOOK_ENDPOINT: _WEBHOOK_ENDPOINTS_DESCRIPTION,
}
_DEAD_LETTERS_DESCRIPTION = """For operators. One partition; kept for ever. Each message announces a record that one of
Paystream's own consumers could not apply, at least once: the same `dlq_id` is the same record. What becomes of it is
in the database (`paystream dlq list`)."""
_PROGRESS_DESCRIPTION = "Internal to the relay: nobody else is to read or write it. One partition."


def asyncapi_documents() -> Mapping[str, dict[str, Any]]:
    """Return the AsyncAPI document and the schemas of headers that it refers to."""
    return {
        ASYNCAPI_PATH: _document(),
        HEADERS_PATH: headers_schema(),
        DEAD_LETTER_HEADERS_PATH: dead_letter_headers_schema(),
    }


def message_name(event_type: EventType[Any], version: int) -> str:
    """Return the name of the message that carries a version of an event type."""
    return f"{event_type.name}.v{version}"


def _document() -> dict[str, Any]:
    messages_of: dict[str, list[str]] = {topic: [] for topic in event_topics()}
    for event_type, version in every_version():
        messages_of[topic_of(event_type.category)].append(message_name(event_type, version))
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Paystream events",
            "version": "1",
            "description": _DESCRIPTION,
            "tags": [{"name": topic, "description": f"What {topic} carries."} for topic in messages_of],
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {
            **{topic: _channel(topic, names, _DESCRIPTIONS[topic]) for topic, names in messages_of.items()},
            **{topic: _channel(topic, [DEAD_LETTER], _DEAD_LETTERS_DESCRIPTION) for topic in dead_letter_topics()},
            RELAY_PROGRESS: _channel(RELAY_PROGRESS, [PROGRESS], _PROGRESS_DESCRIPTION),
        },
        "operations": {
            **{
                f"publish-{topic}": _operation(
                    topic,
                    names,
                    f"The relay publishes what the event store recorded to {topic}, in the order of positions.",
                )
                for topic, names in messages_of.items()
            },
            **{
                f"publish-{topic}": _operation(topic, [DEAD_LETTER], "A consumer announces what it could not apply.")
                for topic in dead_letter_topics()
            },
            f"publish-{RELAY_PROGRESS}": _operation(
                RELAY_PROGRESS, [PROGRESS], "The relay notes how far it has come, in the transaction with the events."
            ),
        },
        "components": {
            "messages": {
                **{message_name(*each): _message(*each) for each in every_version()},
                DEAD_LETTER: _dead_letter(),
                PROGRESS: _progress(),
            }
        },
    }


def _channel(topic: str, messages: Iterable[str], description: str) -> dict[str, Any]:
    return {
        "address": topic,
        "title": topic,
        "description": description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
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
    lists: dict[str, Any] = {name: value.split(",") for name, value in declared.items() if name in _LISTS}
    return lists | {name: int(value) for name, value in declared.items() if name in _NUMBERS}


def _operation(topic: str, messages: Iterable[str], summary: str) -> dict[str, Any]:
    channel = f"#/channels/{topic}"
    return {
        "action": "send",
        "summary": summary,
        "description": f"{summary} Others read: see how to consume.",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in messages],
    }


def _message(event_type: EventType[Any], version: int) -> dict[str, Any]:
    is_this_one = {
        "type": "object",
        "properties": {
            "ce_type": {"type": "string", "const": event_type.name},
            "ce_dataschema": {"type": "string", "const": schema_id(event_type.name, version)},
            "ce_dataschemaversion": {"type": "string", "const": str(version)},
        },
    }
    examples = {"examples": [_example(event_type)]} if version == event_type.version else {}
    return {
        **examples,
        "name": message_name(event_type, version),
        "title": event_type.name,
        "contentType": CONTENT_TYPE,
        "headers": {"type": "object", "allOf": [{"$ref": f"./{HEADERS_PATH}"}, is_this_one]},
        "payload": {"$ref": f"./{schema_path(event_type, version)}"},
        "bindings": _key({"type": "string", "format": "uuid", "description": "The stream, as `ce_subject` has it."}),
    }


def _example(event_type: EventType[Any]) -> dict[str, Any]:
    """Return an example of a message: as it is sent, its headers as text."""
    stream_id = _STREAM_IDS.get(event_type.category, RUN_ID)
    of_account = stream_id == RUN_ID
    recorded = RecordedEvent(
        position=_POSITION,
        event_id=EVENT_ID,
        stream_id=stream_id,
        version=1,
        category=event_type.category,
        type=event_type.name,
        schema_version=event_type.version,
        data=b"",
        metadata=EventMetadata(
            correlation_id=str(REQUEST_ID),
            actor="stripe-gateway",
            merchant_id=MerchantId("-" if of_account else "merchant_dev"),
        ),
        recorded_at=_RECORDED_AT,
    )
    headers = {name: text.decode() for name, text in to_kafka(recorded, _POSITION - 1).headers}
    return {"name": event_type.name, "headers": headers, "payload": example_data(event_type)}


def _dead_letter() -> dict[str, Any]:
    return {
        "name": DEAD_LETTER,
        "title": "A record that a consumer could not apply",
        "examples": [{"name": DEAD_LETTER, "headers": _DEAD_LETTER_EXAMPLE, "payload": {}}],
        "contentType": "application/octet-stream",
        "headers": {"$ref": f"./{DEAD_LETTER_HEADERS_PATH}"},
        "payload": {"description": "The value as it came. It may be no JSON, or null."},
        "bindings": _key({"description": "The key as it came. It may be null."}),
    }


def _progress() -> dict[str, Any]:
    return {
        "name": PROGRESS,
        "title": "How far a relay has published",
        "examples": [{"name": PROGRESS, "headers": {}, "payload": {}}],
        "contentType": CONTENT_TYPE,
        "headers": {"type": "object", "maxProperties": 0},
        "payload": {"type": "object", "description": "The relay's own: what is in it may change at any time."},
        "bindings": _key({"type": "string", "description": "Which relay's it is."}),
    }


def _key(schema: JsonSchema) -> dict[str, Any]:
    return {"kafka": {"key": schema, "bindingVersion": _KAFKA_BINDING}}

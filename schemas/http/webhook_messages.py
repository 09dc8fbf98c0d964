"""The body of a webhook to a merchant: an event of a payment as the query API's timeline shows it.

With the members `type`, `timestamp` and `data` that Standard Webhooks asks for.
"""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, cast

import orjson
from pydantic import ConfigDict, Discriminator, RootModel, Tag, create_model

from domain.ids import PaymentId
from domain.payment.events import PaymentEvent
from schemas.envelope import RecordedEvent
from schemas.events.examples import PAYMENT_ID
from schemas.http.answers import Answer, Json, Position, Timestamp, Version
from schemas.http.summaries import summary
from schemas.http.timeline import ENTRIES, discriminate_by_type, entry_example
from schemas.http.times import timestamp

_OTHER = "other"


def webhook_body(recorded: RecordedEvent, event: PaymentEvent) -> bytes:
    """Return the body: the same bytes each time. `event` is what `recorded` holds."""
    return orjson.dumps(
        {
            "type": recorded.type,
            "timestamp": timestamp(recorded.recorded_at),
            "payment_id": recorded.stream_id,
            "position": recorded.position,
            "version": recorded.version,
            "actor": recorded.metadata.actor,
            "request_id": recorded.metadata.request_id,
            "correlation_id": recorded.metadata.correlation_id,
            "data": summary(event),
        }
    )


def _of_entry(example: Json) -> Json:
    """Return an example of an entry of the timeline as an example of a webhook."""
    renamed = {"timestamp" if name == "at" else name: value for name, value in example.items()}
    return {
        "type": renamed.pop("type"),
        "timestamp": renamed.pop("timestamp"),
        "payment_id": str(PAYMENT_ID),
        **renamed,
    }


class OtherWebhookMessage(Answer):
    """An event of a type that is newer than this document."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [_of_entry(entry_example("payment.requested", 1) | {"type": "payment.of_a_later_type"})]
        }
    )

    type: str
    timestamp: Timestamp
    payment_id: PaymentId
    position: Position
    version: Version
    actor: str
    request_id: str | None
    correlation_id: str
    data: dict[str, Any]


def _message_model(name: str, entry: type[Answer], number: int) -> type[Answer]:
    kinds = {field: (about.annotation, ...) for field, about in OtherWebhookMessage.model_fields.items()}
    data = entry.model_fields["data"].annotation
    members: dict[str, Any] = kinds | {"type": (cast("Any", Literal)[name], ...), "data": (data, ...)}
    members |= {"position": (Position, ...), "version": (Version, ...), "timestamp": (Timestamp, ...)}

    class Shown(Answer):
        model_config = ConfigDict(
            json_schema_extra={"examples": [_of_entry(entry_example(name, number))]}, defer_build=True
        )

    title = entry.__name__.removesuffix("Entry") + "Webhook"
    return create_model(title, __base__=Shown, __doc__=f"A webhook of an event of type `{name}`.", **members)


_MESSAGES: Mapping[str, type[Answer]] = {
    name: _message_model(name, entry, number) for number, (name, entry) in enumerate(ENTRIES.items(), start=1)
}
_Choice: Any = reduce(
    or_,
    [
        *(Annotated[model, Tag(name)] for name, model in _MESSAGES.items()),
        Annotated[OtherWebhookMessage, Tag(_OTHER)],
    ],
)


def _type_of(message: Any) -> str:
    name = message.get("type") if isinstance(message, dict) else getattr(message, "type", None)
    return str(name) if name in _MESSAGES else _OTHER


class WebhookMessage(RootModel[Annotated[_Choice, Discriminator(_type_of)]]):
    """An event of a payment. The shape of `data` depends on `type`."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra=discriminate_by_type,
        defer_build=True,  # only the document needs it
    )

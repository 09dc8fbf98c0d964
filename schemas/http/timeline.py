"""A payment's events as the query API shows them: the fields of each type, by the API's names.

Made from the domain's events, so that a new type is shown at once. Not for: the events on Kafka (`schemas.events`).
"""

import re
from collections.abc import Mapping
from dataclasses import fields
from functools import reduce
from operator import or_
from types import NoneType
from typing import Annotated, Any, Literal, cast, get_args, get_type_hints

import orjson
from pydantic import ConfigDict, Discriminator, RootModel, Tag, create_model

from domain.money import Money
from domain.payment.events import PaymentEvent
from schemas.events import PAYMENT_EVENT_TYPES, EventType
from schemas.events.examples import PAYMENT_EXAMPLES
from schemas.http.answers import Answer, Cents, Json, Position, Timestamp, Version
from schemas.http.summaries import NAMES, SAID_ELSEWHERE, WITH_CURRENCY, summary

_FIELD = re.compile(r"``(.+?)``")
_OTHER = "other"


_EXAMPLE: Json = {
    "position": 42,
    "version": 1,
    "type": "payment.of_a_later_type",
    "at": "2026-11-22T19:37:00.123Z",
    "actor": "stripe-gateway",
    "request_id": None,
    "correlation_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
    "data": {},
}


class OtherTimelineEntry(Answer):
    """An event of a type that is newer than this document."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    position: Position
    version: Version
    type: str
    at: Timestamp
    actor: str
    request_id: str | None
    correlation_id: str
    data: dict[str, Any]


def _data_model(event_type: EventType[PaymentEvent], example: Json) -> type[Answer]:
    """Return the model of what an event of a type says: as `summary` says it."""
    event = event_type.model
    hints = get_type_hints(event)
    said: dict[str, Any] = {}
    for each in fields(cast("Any", event)):
        if each.name in SAID_ELSEWHERE:
            continue
        kinds = get_args(hints[each.name])
        optional = NoneType in kinds
        kind = reduce(or_, (one for one in kinds if one is not NoneType)) if optional else hints[each.name]
        default = None if optional else ...
        said[NAMES.get(each.name, each.name)] = (Cents if kind is Money else kind, default)
        if kind is Money and event in WITH_CURRENCY:
            said["currency"] = (str, default)
    about = _FIELD.sub(lambda found: f"`{NAMES.get(found[1], found[1])}`", event.__doc__ or "")
    return create_model(f"{event.__name__}Data", __base__=_shown_by(example), __doc__=about, **said)


def _entry_model(event_type: EventType[PaymentEvent], number: int) -> type[Answer]:
    """Return the model of an entry of one type."""
    example = entry_example(event_type.name, number)
    kinds: dict[str, Any] = {
        "position": Position,
        "version": Version,
        "type": cast("Any", Literal)[event_type.name],
        "at": Timestamp,
        "actor": str,
        "request_id": str | None,
        "correlation_id": str,
        "data": _data_model(event_type, example["data"]),
    }
    members: dict[str, Any] = {name: (kind, ...) for name, kind in kinds.items()}
    about = f"An event of type `{event_type.name}`."
    return create_model(f"{event_type.model.__name__}Entry", __base__=_shown_by(example), __doc__=about, **members)


def entry_example(name: str, version: int) -> Json:
    """Return an example of an entry of a type."""
    data: Json = orjson.loads(orjson.dumps(summary(PAYMENT_EXAMPLES[name])))
    return _EXAMPLE | {"version": version, "type": name, "data": data}


def _shown_by(example: Json) -> type[Answer]:
    class Shown(Answer):
        model_config = ConfigDict(json_schema_extra={"examples": [example]}, defer_build=True)

    return Shown


def _type_of(entry: Any) -> str:
    name = entry.get("type") if isinstance(entry, dict) else getattr(entry, "type", None)
    return str(name) if name in ENTRIES else _OTHER


def discriminate_by_type(schema: dict[str, Any]) -> None:
    """Say which of the choices it is. More than one can fit: what is known is also like what is not."""
    references = schema.pop("oneOf")
    schema["anyOf"] = references
    known = zip(ENTRIES, references, strict=False)
    schema["discriminator"] = {"propertyName": "type", "mapping": {name: each["$ref"] for name, each in known}}


ENTRIES: Mapping[str, type[Answer]] = {
    each.name: _entry_model(each, number) for number, each in enumerate(PAYMENT_EVENT_TYPES, start=1)
}
_Choice: Any = reduce(
    or_,
    [
        *(Annotated[model, Tag(name)] for name, model in ENTRIES.items()),
        Annotated[OtherTimelineEntry, Tag(_OTHER)],
    ],
)


class TimelineEntry(RootModel[Annotated[_Choice, Discriminator(_type_of)]]):
    """One event of a payment. `actor` is who caused it; the shape of `data` depends on `type`."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra=discriminate_by_type,
        defer_build=True,  # all of it takes a fifth of a second, and only the document needs it
    )


class TimelinePage(Answer):
    """Events of a payment, oldest first. `next_cursor` is null on the last page."""

    model_config = ConfigDict(
        defer_build=True,
        json_schema_extra={
            "examples": [
                {
                    "data": [entry_example("payment.requested", 1)],
                    "has_more": True,
                    "next_cursor": "WzFd",
                }
            ]
        },
    )

    data: list[TimelineEntry]
    has_more: bool
    next_cursor: str | None

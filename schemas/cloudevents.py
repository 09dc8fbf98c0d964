"""Recorded events as Kafka messages: CloudEvents 1.0 in the Kafka protocol binding's binary mode.

The value is the event's data as JSON, the attributes are `ce_*` headers.
Sources: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md and
https://www.w3.org/TR/trace-context/ for `traceparent`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from schemas.envelope import EventMetadata, RecordedEvent
from schemas.errors import MalformedMessage

SOURCE = "/paystream"
CONTENT_TYPE = "application/json"

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True, kw_only=True, slots=True)
class KafkaMessage:
    """A message ready to be produced. `key` is the stream id, so that a stream keeps its order."""

    key: bytes
    value: bytes
    headers: Headers


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """A consumed event, with the position of the event before it in the same partition (0: it is the first).

    A consumer whose checkpoint is below `previous_position` has missed events.
    """

    event: RecordedEvent
    previous_position: int

    @property
    def position(self) -> int:
        """The event's position in the log."""
        return self.event.position

    @property
    def log_ids(self) -> Mapping[str, str | None]:
        """The ids that name the event's payment and request in the logs."""
        meta = self.event.metadata
        return {
            "payment_id": str(self.event.stream_id) if self.event.category == "payment" else None,
            "correlation_id": meta.correlation_id,
            "request_id": meta.request_id,
        }


def to_kafka(event: RecordedEvent, previous_position: int) -> KafkaMessage:
    """Encode an event; `previous_position` is that of the event before it in the same partition."""
    meta = event.metadata
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(event.event_id).encode()),
        ("ce_source", f"{SOURCE}/{event.category}".encode()),
        ("ce_type", event.type.encode()),
        ("ce_subject", str(event.stream_id).encode()),
        ("ce_time", event.recorded_at.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()),
        ("ce_dataschemaversion", b"%d" % event.schema_version),
        ("ce_position", b"%d" % event.position),
        ("ce_prevposition", b"%d" % previous_position),
        ("ce_streamversion", b"%d" % event.version),
        ("ce_merchantid", meta.merchant_id.encode()),
        ("ce_actor", meta.actor.encode()),
        ("ce_correlationid", meta.correlation_id.encode()),
    ]
    optional = (
        ("ce_causationid", meta.causation_id),
        ("ce_requestid", meta.request_id),
        ("traceparent", meta.traceparent),
    )
    headers += [(name, text.encode()) for name, text in optional if text is not None]
    headers.append(("content-type", CONTENT_TYPE.encode()))
    return KafkaMessage(key=str(event.stream_id).encode(), value=event.data, headers=headers)


def from_kafka(value: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> Delivered:
    """Decode a message's envelope; its data stays unparsed bytes.

    Raises MalformedMessage for anything that is not one of our events.
    """
    if value is None:
        raise MalformedMessage("the message has no value")
    found = _text_headers(headers)
    try:
        metadata = EventMetadata(
            correlation_id=found["ce_correlationid"],
            actor=found["ce_actor"],
            merchant_id=found["ce_merchantid"],
            causation_id=found.get("ce_causationid"),
            request_id=found.get("ce_requestid"),
            traceparent=found.get("traceparent"),
        )
        event = RecordedEvent(
            position=int(found["ce_position"]),
            event_id=UUID(found["ce_id"]),
            stream_id=UUID(found["ce_subject"]),
            version=int(found["ce_streamversion"]),
            category=found["ce_source"].removeprefix(f"{SOURCE}/"),
            type=found["ce_type"],
            schema_version=int(found["ce_dataschemaversion"]),
            data=value,
            metadata=metadata,
            recorded_at=datetime.fromisoformat(found["ce_time"]),
        )
        return Delivered(event=event, previous_position=int(found["ce_prevposition"]))
    except KeyError as missing:
        raise MalformedMessage(f"the header {missing} is missing") from None
    except ValueError as wrong:
        raise MalformedMessage(f"a header has an invalid value: {wrong}") from None


def _text_headers(headers: Iterable[tuple[str, bytes | None]]) -> Mapping[str, str]:
    try:
        return {name: raw.decode() for name, raw in headers if raw is not None}
    except UnicodeDecodeError as wrong:
        raise MalformedMessage(f"a header is not UTF-8: {wrong}") from None

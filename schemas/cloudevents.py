"""Recorded events as Kafka messages: CloudEvents 1.0 in the Kafka protocol binding's binary mode.

The value is the event's data as JSON, the attributes are `ce_*` headers.
Sources: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md and
https://www.w3.org/TR/trace-context/ for `traceparent`.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from domain.ids import EventId, LogId, MerchantId
from schemas.envelope import EventMetadata, RecordedEvent
from schemas.errors import MalformedMessage
from schemas.events.event_type import schema_id

SOURCE = "/paystream"
CONTENT_TYPE = "application/json"

Headers = list[tuple[str, bytes]]

_KNOWN = frozenset(
    {
        *("ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "ce_dataschemaversion", "ce_position"),
        *("ce_prevposition", "ce_streamversion", "ce_merchantid", "ce_actor", "ce_correlationid", "ce_causationid"),
        *("ce_requestid", "ce_idempotencykey", "ce_requestfingerprint", "ce_answerstatus", "ce_logid", "traceparent"),
    }
)
_HIGHEST_POSITION = 2**63 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class KafkaMessage:
    """A message ready to be produced. `key` is the stream id, so that a stream keeps its order."""

    key: bytes
    value: bytes
    headers: Headers


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """A consumed event, with the position of the event before it in the same partition (0: it is the first).

    A consumer whose checkpoint is below `previous_position` has missed events. `log_id` names the log that it was
    published from; older messages do not say it.
    """

    event: RecordedEvent
    previous_position: int
    log_id: LogId | None = None

    @property
    def position(self) -> int:
        """The event's position in the log."""
        return self.event.position

    @property
    def stream(self) -> str:
        """The stream that the event belongs to: its order counts."""
        return str(self.event.stream_id)

    @property
    def trace(self) -> tuple[str, str | None, Mapping[str, str]]:
        """The event's type, the `traceparent` that it belongs to, and what a span of it says."""
        about = {"paystream.event_id": str(self.event.event_id), "paystream.stream_id": str(self.event.stream_id)}
        return self.event.type, self.event.metadata.traceparent, about

    @property
    def log_ids(self) -> Mapping[str, str | None]:
        """The ids that name the event's payment and request in the logs."""
        meta = self.event.metadata
        return {
            "payment_id": str(self.event.stream_id) if self.event.category == "payment" else None,
            "correlation_id": meta.correlation_id,
            "request_id": meta.request_id,
        }


def to_kafka(event: RecordedEvent, previous_position: int, log_id: LogId | None = None) -> KafkaMessage:
    """Encode an event of a log; `previous_position` is that of the event before it in the same partition."""
    meta = event.metadata
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(event.event_id).encode()),
        ("ce_source", f"{SOURCE}/{event.category}".encode()),
        ("ce_type", event.type.encode()),
        ("ce_subject", str(event.stream_id).encode()),
        ("ce_time", event.recorded_at.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()),
        ("ce_dataschema", schema_id(event.type, event.schema_version).encode()),
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
        ("ce_idempotencykey", meta.idempotency_key),
        ("ce_requestfingerprint", meta.request_fingerprint),
        ("ce_answerstatus", meta.answer_status),
        ("ce_logid", None if log_id is None else str(log_id)),
        ("traceparent", meta.traceparent),
    )
    headers += [(name, text.encode()) for name, text in optional if text is not None]
    headers.append(("content-type", CONTENT_TYPE.encode()))
    return KafkaMessage(key=str(event.stream_id).encode(), value=event.data, headers=headers)


def from_kafka(value: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> Delivered:
    """Decode a message's envelope; its data stays unparsed bytes. Headers that we do not know may hold anything.

    Raises MalformedMessage for anything that is not one of our events.
    """
    raw = {name: text for name, text in headers if name in _KNOWN and text is not None}
    if value is None:
        raise _malformed("the message has no value", raw)
    try:
        return _delivered(value, {name: _text(name, text) for name, text in raw.items()})
    except KeyError as missing:
        raise _malformed(f"the header {missing} is missing", raw) from None
    except ValueError as wrong:
        raise _malformed(f"a header has an invalid value: {wrong}", raw) from None
    except MalformedMessage as wrong:
        raise _malformed(str(wrong), raw) from None


def is_at(position: int, headers: Iterable[tuple[str, bytes | None]]) -> bool:
    """Whether a message's headers are those of the event at this position of the log."""
    return ("ce_position", b"%d" % position) in headers


def _delivered(value: bytes, found: Mapping[str, str]) -> Delivered:
    metadata = EventMetadata(
        correlation_id=found["ce_correlationid"],
        actor=found["ce_actor"],
        merchant_id=MerchantId(found["ce_merchantid"]),
        causation_id=found.get("ce_causationid"),
        request_id=found.get("ce_requestid"),
        traceparent=found.get("traceparent"),
        idempotency_key=found.get("ce_idempotencykey"),
        request_fingerprint=found.get("ce_requestfingerprint"),
        answer_status=found.get("ce_answerstatus"),
    )
    position, previous_position = _positions(found["ce_position"], found["ce_prevposition"])
    event = RecordedEvent(
        position=position,
        event_id=EventId(UUID(found["ce_id"])),
        stream_id=UUID(found["ce_subject"]),
        version=int(found["ce_streamversion"]),
        category=found["ce_source"].removeprefix(f"{SOURCE}/"),
        type=found["ce_type"],
        schema_version=int(found["ce_dataschemaversion"]),
        data=value,
        metadata=metadata,
        recorded_at=datetime.fromisoformat(found["ce_time"]),
    )
    log_id = LogId(UUID(found["ce_logid"])) if "ce_logid" in found else None
    return Delivered(event=event, previous_position=previous_position, log_id=log_id)


def _positions(position: str, previous: str) -> tuple[int, int]:
    """Return an event's position and that of the one before it. Raises ValueError when they cannot be that."""
    at, before = int(position), int(previous)
    if not 0 <= before < at <= _HIGHEST_POSITION:
        raise ValueError(f"position {position} after {previous}")
    return at, before


def _text(name: str, raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as wrong:
        raise MalformedMessage(f"the header {name} is not UTF-8: {wrong}") from None


def _malformed(reason: str, raw: Mapping[str, bytes]) -> MalformedMessage:
    """Return the error with what can be read of the event's place."""
    position = previous_position = stream = None
    with suppress(KeyError, ValueError):
        position, previous_position = _positions(raw["ce_position"].decode(), raw["ce_prevposition"].decode())
    with suppress(KeyError, ValueError):
        stream = str(UUID(raw["ce_subject"].decode()))
    return MalformedMessage(reason, position=position, previous_position=previous_position, stream=stream)

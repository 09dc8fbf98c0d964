"""A dead letter, and how its record is stored: any record that Kafka can carry fits."""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

import orjson

from infra.kafka.consumer.dead_letters.delivery import Delivery
from infra.kafka.consumer.selection import D
from infra.kafka.consumer.subscription import Record
from infra.log_render import mask_text

Headers = list[tuple[str, bytes | None]]

_LONGEST_ERROR = 2000
_LAST_TIMESTAMP_MS = 253_402_300_799_000  # in the year 9999


class Reason(StrEnum):
    """Why a record was not applied."""

    UNDECODABLE = "undecodable"
    REFUSED = "refused"
    """The handler raised."""
    BEHIND = "behind"
    """An earlier record of its stream is a dead letter."""


class Status(StrEnum):
    """How far it has come."""

    OPEN = "open"
    REPLAYING = "replaying"
    """Its replay was requested: the consumer that owns the partition will try it again."""
    APPLIED = "applied"
    DISCARDED = "discarded"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """A row. `lacking`: the checkpoints (the consumer's, or a projector's projections) that have not applied it."""

    id: int
    consumer: str
    topic: str
    partition: int
    kafka_offset: int
    kafka_timestamp: datetime
    position: int | None
    previous_position: int | None
    stream: str | None
    key: bytes | None
    value: bytes | None
    headers: Headers
    lacking: list[str]
    reason: Reason
    error_type: str
    error: str
    attempts: int
    status: Status
    created_at: datetime
    failed_at: datetime
    requested_by: str | None
    replay_reason: str | None
    published_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: str | None

    @property
    def is_resolved(self) -> bool:
        """Whether nothing is left to do with it."""
        return self.status in {Status.APPLIED, Status.DISCARDED}

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Read a row that has all columns."""
        read = {
            "headers": unpacked(row["headers"]),
            "reason": Reason(row["reason"]),
            "status": Status(row["status"]),
        }
        return cls(**{**row, **read})


def record_columns(delivery: Delivery[D]) -> dict[str, Any]:
    """Return what is stored of a record itself."""
    record = delivery.record
    headers = packed(record.headers)
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": datetime.fromtimestamp(min(max(record.timestamp, 0), _LAST_TIMESTAMP_MS) / 1000, UTC),
        "position": delivery.position if delivery.is_placed else None,
        "previous_position": delivery.previous_position if delivery.is_placed else None,
        "stream": delivery.stream,
        "key": record.key,
        "value": record.value,
        "headers": headers,
        "digest": _digest(record, headers),
    }


def error_columns(reason: Reason, error: BaseException | str) -> dict[str, str]:
    """Return what is stored of a failure; `error` is a text when nothing was raised."""
    kind, text = ("", error) if isinstance(error, str) else (type(error).__name__, str(error))
    plain = text.encode(errors="backslashreplace").decode().replace("\0", "\\x00")
    return {"reason": reason.value, "error_type": kind, "error": mask_text(plain[:_LONGEST_ERROR])}


def packed(headers: Iterable[tuple[str, bytes | None]]) -> bytes:
    """Return headers as JSON, values in base64."""
    return orjson.dumps([[name, None if raw is None else b64encode(raw).decode()] for name, raw in headers])


def unpacked(stored: bytes) -> Headers:
    """Read what `packed` wrote."""
    return [(name, None if raw is None else b64decode(raw)) for name, raw in orjson.loads(stored)]


def _digest(record: Record, headers: bytes) -> bytes:
    digest = hashlib.sha256()
    for part in (record.key, record.value, headers):
        # With its length, or null: no two records run together to the same bytes.
        digest.update(b"-" if part is None else b"%d:" % len(part))
        digest.update(part or b"")
    return digest.digest()

"""A record as it was read from Kafka: decoded, or with the error and what could be read of its place."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, Self, runtime_checkable

from infra.kafka.consumer.selection import D
from infra.kafka.consumer.subscription import Record

Headers = Iterable[tuple[str, bytes | None]]
Decode = Callable[[bytes | None, Headers], D]


@runtime_checkable
class Placed(Protocol):
    """An error of `decode` may have these: what it could read nevertheless (positions both, or neither)."""

    @property
    def position(self) -> int | None:
        """The event's position in the log."""
        ...

    @property
    def previous_position(self) -> int | None:
        """The position of the event before it in the same partition."""
        ...

    @property
    def stream(self) -> str | None:
        """The stream it belongs to."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery(Generic[D]):
    """Either `message` is there, or `error` says why it is not.

    `position` 0: it has none that could be read, and `previous_position` says nothing.
    """

    record: Record
    message: D | None
    error: Exception | None
    position: int
    previous_position: int
    stream: str | None

    @classmethod
    def of(cls, record: Record, decode: Decode[D]) -> Self:
        """Decode a record; never raises."""
        try:
            message = decode(record.value, record.headers)
        except Exception as error:  # noqa: BLE001 - whatever a decoder raises, the record is at fault
            return cls._undecodable(record, error)
        return cls(
            record=record,
            message=message,
            error=None,
            position=message.position,
            previous_position=message.previous_position,
            stream=message.stream,
        )

    @classmethod
    def _undecodable(cls, record: Record, error: Exception) -> Self:
        position = previous_position = stream = None
        if isinstance(error, Placed):
            position, previous_position, stream = error.position, error.previous_position, error.stream
        return cls(
            record=record,
            message=None,
            error=error,
            position=position or 0,
            previous_position=previous_position or 0,
            # The key of our records is their stream.
            stream=stream or _text(record.key),
        )

    @property
    def is_placed(self) -> bool:
        """Whether it is known where it stands in the log."""
        return self.position > 0


def _text(key: bytes | None) -> str | None:
    """Return a key as text that PostgreSQL takes."""
    return None if not key else key.decode(errors="backslashreplace").replace("\0", "\\x00")

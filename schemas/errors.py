"""What can be wrong with something that came over a wire."""

from collections.abc import Mapping
from typing import Any


class SchemaError(Exception):
    """Root of the package's errors: the message itself is at fault, trying again cannot help."""

    event: str | None = None
    """Which recorded event it is of, for people, where that is known."""

    @property
    def explanation(self) -> str:
        """What cannot be read and why, in a sentence for operators."""
        return f"{self.event or 'an event'} cannot be read: {self}"


class UnknownEventType(SchemaError):
    """An event names a type that this code does not know (`type`)."""

    def __init__(self, event_type: str) -> None:
        super().__init__(f"unknown event type {event_type!r}")
        self.type = event_type


class UnsupportedSchemaVersion(SchemaError):
    """An event is written in a version that this code does not know, most often a newer one."""

    def __init__(self, event_type: str, version: int, newest: int) -> None:
        super().__init__(f"{event_type} has schema version {version}; this code knows versions 1 to {newest}")
        self.type = event_type
        self.version = version
        self.newest = newest


class InvalidEventData(SchemaError):
    """An event's data does not have the shape of its type and version."""

    def __init__(self, event_type: str, version: int, reason: str) -> None:
        super().__init__(f"{event_type} version {version} has invalid data: {reason}")
        self.type = event_type
        self.version = version
        self.reason = reason


class MalformedMessage(SchemaError):
    """A Kafka message is not one of our CloudEvents.

    What could be read nevertheless: both positions or none, and the stream.
    """

    def __init__(
        self,
        reason: str,
        *,
        position: int | None = None,
        previous_position: int | None = None,
        stream: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.position = position
        self.previous_position = previous_position
        self.stream = stream


def message_of(detail: Mapping[str, Any]) -> str:
    """Return what is wrong, of one of the details of pydantic's ValidationError, without the name of Python's error."""
    return str(detail["msg"]).removeprefix("Value error, ")

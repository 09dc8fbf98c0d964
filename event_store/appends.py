"""What goes into the log's one way in, and what comes back."""

from dataclasses import dataclass
from uuid import UUID

from schemas.envelope import NewEvent

NO_STREAM = 0
"""Expected version of a stream that must not exist yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IdempotencyRecord:
    """A command's answer, stored with its events. `fingerprint` tells one request from another under the same key.

    The key is unique within the merchant of the append. `response` is the body as sent, in UTF-8.
    """

    key: str
    fingerprint: str
    status: int
    response: bytes

    def stored_at(self, position: int) -> "AlreadySeen":
        """Return what is found under the key once the record is stored, for a command that reached this position."""
        return AlreadySeen(fingerprint=self.fingerprint, status=self.status, response=self.response, position=position)


@dataclass(frozen=True, kw_only=True, slots=True)
class Append:
    """Events for one stream, on condition that it stands at `expected_version` (`NO_STREAM`: does not exist)."""

    stream_id: UUID
    category: str
    merchant_id: str
    expected_version: int
    events: tuple[NewEvent, ...]
    idempotency: IdempotencyRecord | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Appended:
    """The events are in the log. `version` and `position` are those of the last one."""

    version: int
    position: int


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionConflict:
    """Nothing was written: the stream stands at `actual_version` (0: it does not exist)."""

    actual_version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AlreadySeen:
    """Nothing was written: the idempotency key is known, and this is what its command answered.

    `position` is the one that the first command reached. The caller compares the fingerprint. `response` is None when
    the record was written back from Kafka: the answer is made again from the stream as of that position.
    """

    fingerprint: str
    status: int
    response: bytes | None
    position: int


AppendResult = Appended | VersionConflict | AlreadySeen

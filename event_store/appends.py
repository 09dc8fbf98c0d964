"""Appends to the log, and their results."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from domain.ids import EventId, MerchantId
from infra.ids import uuid7
from schemas.envelope import EventMetadata, NewEvent
from schemas.events import Codec

Event = TypeVar("Event")

NO_STREAM = 0
"""Expected version of a stream that must not exist yet."""


MAX_EVENT_BYTES = 900_000
"""What an event may take, data and metadata together. A topic takes 1,048,588 bytes a batch by default
(https://kafka.apache.org/documentation/#topicconfigs_max.message.bytes); the rest is for the batch's own."""


_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""As JSON writes it; after a backslash that is itself escaped it is five characters of a text."""


class EventTooLarge(Exception):
    """Kafka would refuse the event. It is not recorded: its shard would have to go on without it."""

    def __init__(self, *, event_type: str, size_bytes: int, max_bytes: int) -> None:
        super().__init__(f"an event {event_type} takes {size_bytes} bytes, more than the {max_bytes} that are taken")
        self.event_type = event_type
        self.size_bytes = size_bytes
        self.max_bytes = max_bytes


class EventNotStorable(ValueError):
    """The log cannot hold the event: its data is no JSON object, or a text has the character U+0000."""

    def __init__(self, *, event_type: str, reason: str) -> None:
        super().__init__(f"an event {event_type} cannot be stored: {reason}")
        self.event_type = event_type


@dataclass(frozen=True, kw_only=True, slots=True)
class IdempotencyRecord:
    """The response to a command, stored with its events.

    `fingerprint` distinguishes requests under the same key. The key is unique within a merchant. `response` is
    the body as sent, in UTF-8; None of one with personal data, which is made again from the stream when it is needed.
    """

    key: str
    fingerprint: str
    status: int
    response: bytes | None

    def stored_at(self, position: int) -> "StoredResponse":
        """Return what is found under the key once the record is stored, for a command that reached this position."""
        return StoredResponse(
            fingerprint=self.fingerprint, status=self.status, response=self.response, position=position
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Append:
    """Events for one stream, on condition that it has `expected_version` (`NO_STREAM`: does not exist)."""

    stream_id: UUID
    category: str
    merchant_id: MerchantId
    expected_version: int
    events: tuple[NewEvent, ...]
    idempotency: IdempotencyRecord | None = None
    stripe_ids: frozenset[str] = frozenset()
    """Ids of Stripe that the command names: they become its merchant's, or are already, or the append is refused."""

    @classmethod
    def of(
        cls,
        codec: Codec[Event],
        events: Iterable[Event],
        *,
        stream_id: UUID,
        expected_version: int,
        metadata: EventMetadata,
        idempotency: IdempotencyRecord | None = None,
        stripe_ids: frozenset[str] = frozenset(),
    ) -> "Append":
        """Encode events, each with a new id, for the merchant of their metadata."""
        return cls(
            stream_id=stream_id,
            category=codec.category,
            merchant_id=metadata.merchant_id,
            expected_version=expected_version,
            events=tuple(codec.encode(each, event_id=EventId(uuid7()), metadata=metadata) for each in events),
            idempotency=idempotency,
            stripe_ids=stripe_ids,
        )

    def require_storable(self, max_event_bytes: int) -> None:
        """Raise EventTooLarge when an event is larger than that, data and metadata together; or EventNotStorable.

        PostgreSQL would refuse the latter, and with it all that is appended in the same call.
        """
        for event in self.events:
            if not event.data.lstrip().startswith(b"{"):
                raise EventNotStorable(event_type=event.type, reason="its data is no JSON object")
            metadata = event.metadata.to_dict().values()
            if _has_nul(event.data) or any("\0" in text for text in metadata):
                raise EventNotStorable(event_type=event.type, reason="a text in it has the character U+0000")
            size = len(event.data) + sum(len(text.encode()) for text in metadata)
            if size > max_event_bytes:
                raise EventTooLarge(event_type=event.type, size_bytes=size, max_bytes=max_event_bytes)


def _has_nul(data: bytes) -> bool:
    """Whether a text of a JSON document has U+0000. The search takes much longer than the look before it."""
    return b"\\u0000" in data and _NUL.search(data) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Appended:
    """The events are in the log. `version` and `position` are those of the last one."""

    version: int
    position: int


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionConflict:
    """Nothing was written: the stream has `actual_version` (0: it does not exist)."""

    actual_version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ForeignStripeId:
    """Nothing was written: an id of Stripe that the command names belongs to another merchant."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredResponse:
    """What is stored under an idempotency key. As the result of an append: the key is known, nothing was written.

    `position` is the one that the first command reached. The caller compares the fingerprint. `response` is None when
    the record was written back from Kafka, or has personal data: the response is made again from the stream as of that
    position.
    """

    fingerprint: str
    status: int
    response: bytes | None
    position: int


AppendResult = Appended | VersionConflict | StoredResponse | ForeignStripeId

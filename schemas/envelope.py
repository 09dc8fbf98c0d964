"""What surrounds an event's data: who, why and when, before and after the log has recorded it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.ids import EventId, MerchantId

NO_MERCHANT = MerchantId("-")
"""The merchant of events that belong to the Stripe account as a whole: webhooks, its balance, reconciliation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EventMetadata:
    """Where an event comes from. `actor` is `api:<key id>`, `api:<key id>/<person>`, a consumer's name, or an operator.

    The last three are of the command behind it, if that had an idempotency key: the key, what tells its request from
    another under the same key, and the HTTP status of its answer. With them a lost idempotency record is made again.
    """

    correlation_id: str
    actor: str
    merchant_id: MerchantId
    causation_id: str | None = None
    request_id: str | None = None
    traceparent: str | None = None
    idempotency_key: str | None = None
    request_fingerprint: str | None = None
    answer_status: str | None = None

    def to_dict(self) -> dict[str, str]:
        """Return the stored form: what is unknown is left out."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in fields.items() if value is not None}

    @classmethod
    def from_dict(cls, stored: dict[str, str]) -> "EventMetadata":
        """Read the stored form; unknown members of later versions are ignored."""
        if not _MEMBERS.issuperset(stored):
            stored = {name: value for name, value in stored.items() if name in _MEMBERS}
        return cls(**stored)  # type: ignore[arg-type]


_MEMBERS: Final = frozenset(EventMetadata.__slots__)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewEvent:
    """An event that is yet to be appended. `data` is JSON in UTF-8; `is_encrypted`: its personal values are."""

    event_id: EventId
    type: str
    schema_version: int
    data: bytes
    metadata: EventMetadata
    is_encrypted: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedEvent:
    """An event as the log holds it.

    `position` orders the whole log (from 1, with gaps), `version` its stream (from 1, without gaps).
    `recorded_at` is in UTC.
    """

    position: int
    event_id: EventId
    stream_id: UUID
    version: int
    category: str
    type: str
    schema_version: int
    data: bytes
    metadata: EventMetadata
    recorded_at: datetime

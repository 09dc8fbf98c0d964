"""What an operator sees of a log after PostgreSQL lost what it had committed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.ids import EventId
from infra.errors import InfraError


class RecoveryRefused(InfraError):
    """The request cannot be carried out; nothing was changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownEvent:
    """An event as an operator sees it."""

    position: int
    event_id: EventId
    stream_id: UUID
    version: int
    type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Examined:
    """A log, open or closed. Only a closed one was compared with Kafka; the other members are empty then.

    `lost` events would be written back, of the streams `lost_streams`; `first_lost` are the first of them. `left_out`
    are events of Kafka whose place is taken, each with the one that has it.
    `blockers` say why an operator has to decide.
    """

    epoch: int
    closed_because: str | None
    since: datetime | None
    """When the last event was recorded of which the log is known to be whole; None: it may be from the beginning."""
    whole_up_to: int = 0
    common: int = 0
    lost: int = 0
    first_lost: tuple[ShownEvent, ...] = ()
    lost_streams: frozenset[UUID] = frozenset()
    left_out: tuple[tuple[ShownEvent, ShownEvent | None], ...] = ()
    unpublished: int = 0
    blockers: tuple[str, ...] = ()

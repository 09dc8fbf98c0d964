"""What an operator sees and decides after PostgreSQL came back younger: the form of it.

`paystream recover` shows it. The event store does it, and says so in the group `paystream.desks`; what was answered for
and never published is looked for in Redis by the command API, and at Stripe by the consumers.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from infra.errors import InfraError
from infra.postgres.pool import Connection
from infra.settings.kafka import KafkaSettings
from infra.settings.redis import RedisSettings
from infra.settings.stripe import StripeSettings


class RecoveryRefused(InfraError):
    """What was asked for cannot be done; nothing was changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownEvent:
    """An event as an operator sees it."""

    position: int
    event_id: UUID
    stream_id: UUID
    version: int
    type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Examined:
    """A log, open or closed. Only a closed one was compared with Kafka; the other members are empty then.

    `lost` events would be written back, of the streams `lost_streams`; `first_lost` are the first of them. `left_out`
    are events of Kafka whose place is taken, each with the one that has it.
    `obstacles` are why a person has to decide.
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
    obstacles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """A payment that somebody outside of the log knows of, as `where` tells."""

    payment_id: UUID
    where: str
    position: int | None = None
    """Of the event that it was answered for, if that is known."""


class RecoveryDesk(Protocol):
    """Each method raises RecoveryRefused with a text for people."""

    async def examine(self, conn: Connection, settings: KafkaSettings) -> Examined:
        """Look at the log and, while it is closed, compare it with Kafka: relays of other servers are fenced."""

    async def recover(self, conn: Connection, settings: KafkaSettings, *, actor: str, reason: str) -> str:
        """Write back what can be, and open the log; return what was done."""

    async def untraceable(self, conn: Connection, traces: Collection[Trace]) -> list[Trace]:
        """Return those of which the log has nothing."""


class KeptAnswers(Protocol):
    """What Redis remembers to have answered."""

    async def traces(self, settings: RedisSettings) -> Sequence[Trace]:
        """Return the payments of the answers that are kept."""


class PaymentsAtStripe(Protocol):
    """What Stripe has of us."""

    async def traces(self, settings: StripeSettings, *, since: datetime) -> Sequence[Trace]:
        """Return the payments of the intents and refunds that were created since, by their metadata."""

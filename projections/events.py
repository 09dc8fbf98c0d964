"""An event as projections get it: what was recorded, and what it says."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol, Self, TypeVar
from uuid import UUID

from domain.payment import PaymentEvent
from domain.reconciliation import ReconciliationEvent
from domain.stripe_balance import StripeBalanceEvent
from schemas.envelope import RecordedEvent
from schemas.events import decode, decode_balance_event, decode_reconciliation_event


@dataclass(frozen=True, kw_only=True, slots=True)
class DecodedEvent:
    """A payment's recorded event with its decoded fact, in the newest schema version."""

    recorded: RecordedEvent
    fact: PaymentEvent

    @classmethod
    def of(cls, recorded: RecordedEvent) -> Self:
        """Decode an event. Raises schemas.errors.SchemaError."""
        return cls(recorded=recorded, fact=decode(recorded))

    @property
    def stream_id(self) -> UUID:
        """The payment it belongs to."""
        return self.recorded.stream_id

    @property
    def version(self) -> int:
        """Its number within the payment."""
        return self.recorded.version


@dataclass(frozen=True, kw_only=True, slots=True)
class DecodedBalanceEvent:
    """A recorded event about Stripe's balance with its decoded fact, in the newest schema version."""

    recorded: RecordedEvent
    fact: StripeBalanceEvent

    @classmethod
    def of(cls, recorded: RecordedEvent) -> Self:
        """Decode an event. Raises schemas.errors.SchemaError."""
        return cls(recorded=recorded, fact=decode_balance_event(recorded))

    @property
    def stream_id(self) -> UUID:
        """The balance transaction or payout it belongs to."""
        return self.recorded.stream_id

    @property
    def version(self) -> int:
        """Its number within that."""
        return self.recorded.version


@dataclass(frozen=True, kw_only=True, slots=True)
class DecodedReconciliationEvent:
    """A recorded event of reconciliation with its decoded fact, in the newest schema version."""

    recorded: RecordedEvent
    fact: ReconciliationEvent

    @classmethod
    def of(cls, recorded: RecordedEvent) -> Self:
        """Decode an event. Raises schemas.errors.SchemaError."""
        return cls(recorded=recorded, fact=decode_reconciliation_event(recorded))

    @property
    def stream_id(self) -> UUID:
        """The day's runs, or the discrepancy, that it belongs to."""
        return self.recorded.stream_id

    @property
    def version(self) -> int:
        """Its number within that."""
        return self.recorded.version


class _InAStream(Protocol):
    @property
    def stream_id(self) -> UUID: ...


E = TypeVar("E", bound=_InAStream)


def by_stream(events: Iterable[E]) -> dict[UUID, list[E]]:
    """Group events by stream, keeping the order within each."""
    ordered = sorted(events, key=_stream)  # stable: the order within a stream stays
    return {stream_id: list(group) for stream_id, group in groupby(ordered, key=_stream)}


def _stream(event: _InAStream) -> UUID:
    return event.stream_id

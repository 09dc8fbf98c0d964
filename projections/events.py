"""An event as projections get it: what was recorded, and what it says."""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Generic, Protocol, Self, TypeVar
from uuid import UUID

from domain.ids import PaymentId
from domain.payment.events import PaymentEvent
from domain.reconciliation.events import ReconciliationEvent
from domain.split_payment.events import SplitPaymentEvent
from domain.stripe_balance import StripeBalanceEvent
from schemas.envelope import RecordedEvent
from schemas.events import BALANCE_CODEC, PAYMENT_CODEC, RECONCILIATION_CODEC, SPLIT_PAYMENT_CODEC

DomainEvent = TypeVar("DomainEvent")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Decoded(Generic[DomainEvent]):
    """A recorded event with its domain event, in the newest schema version."""

    recorded: RecordedEvent
    domain_event: DomainEvent

    @property
    def stream_id(self) -> UUID:
        """The stream it belongs to."""
        return self.recorded.stream_id

    @property
    def version(self) -> int:
        """Its number within the stream."""
        return self.recorded.version


class DecodedEvent(_Decoded[PaymentEvent]):
    """An event of a payment."""

    __slots__ = ()

    @classmethod
    def of(cls, recorded: RecordedEvent) -> Self:
        """Decode an event. Raises schemas.errors.SchemaError."""
        return cls(recorded=recorded, domain_event=PAYMENT_CODEC.decode(recorded))


class DecodedBalanceEvent(_Decoded[StripeBalanceEvent]):
    """An event about Stripe's balance: its stream is a balance transaction or a payout."""

    __slots__ = ()

    @classmethod
    def of(cls, recorded: RecordedEvent) -> Self:
        """Decode an event. Raises schemas.errors.SchemaError."""
        return cls(recorded=recorded, domain_event=BALANCE_CODEC.decode(recorded))


class DecodedReconciliationEvent(_Decoded[ReconciliationEvent]):
    """An event of reconciliation: its stream is a day's runs, or a discrepancy."""

    __slots__ = ()

    @classmethod
    def of(cls, recorded: RecordedEvent) -> Self:
        """Decode an event. Raises schemas.errors.SchemaError."""
        return cls(recorded=recorded, domain_event=RECONCILIATION_CODEC.decode(recorded))


class DecodedSplitPaymentEvent(_Decoded[SplitPaymentEvent]):
    """An event of a split payment."""

    __slots__ = ()

    @classmethod
    def of(cls, recorded: RecordedEvent) -> Self:
        """Decode an event. Raises schemas.errors.SchemaError."""
        return cls(recorded=recorded, domain_event=SPLIT_PAYMENT_CODEC.decode(recorded))


class _InAStream(Protocol):
    @property
    def recorded(self) -> RecordedEvent: ...


E = TypeVar("E", bound=_InAStream)
_FIRST = itemgetter(0)


def by_stream(events: Iterable[E]) -> dict[UUID, list[E]]:
    """Group events by stream, in the order of streams, keeping the order within each."""
    groups: dict[int, list[E]] = {}  # numbers: hashed and compared without a call of Python
    for event in events:
        groups.setdefault(event.recorded.stream_id.int, []).append(event)
    return {group[0].recorded.stream_id: group for _, group in sorted(groups.items(), key=_FIRST)}


def by_payment(events: Iterable[DecodedEvent]) -> dict[PaymentId, list[DecodedEvent]]:
    """Group events by payment, likewise."""
    return {PaymentId(stream_id): group for stream_id, group in by_stream(events).items()}

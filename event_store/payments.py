"""Payments as their events tell them: load, fold, and the way from a decision to an append."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from domain.payment.evolve import fold
from domain.payment.state import PaymentState
from event_store.store import QUERIES, Connection, load, load_many
from schemas.envelope import RecordedEvent
from schemas.events import PAYMENT_CODEC

CATEGORY = "payment"


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedPayment:
    """A payment at its newest version. `state` is None and `version` 0 when there is no such payment."""

    state: PaymentState | None
    version: int
    events: tuple[RecordedEvent, ...]


async def load_payment(connection: Connection, payment_id: UUID) -> LoadedPayment:
    """Load one payment. Raises schemas.errors.SchemaError when an event cannot be read."""
    return (await load_payments(connection, [payment_id]))[payment_id]


async def load_payment_as_of(connection: Connection, position: int) -> LoadedPayment:
    """Load the payment that has its event at a position, as it was then."""
    row = await (await connection.execute(QUERIES["stream_at"], {"position": position})).fetchone()
    assert row is not None, f"no event is at position {position}"
    return _fold(await load(connection, row[0], up_to_position=position))


async def load_payments(connection: Connection, payment_ids: Sequence[UUID]) -> dict[UUID, LoadedPayment]:
    """Load many payments in one round trip."""
    streams = await load_many(connection, payment_ids)
    return {payment_id: _fold(events) for payment_id, events in streams.items()}


def _fold(events: list[RecordedEvent]) -> LoadedPayment:
    return LoadedPayment(
        state=fold(PAYMENT_CODEC.decode(event) for event in events),
        version=events[-1].version if events else 0,
        events=tuple(events),
    )

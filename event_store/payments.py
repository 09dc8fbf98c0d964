"""Payments, folded from their events, and the commands for them."""

from collections.abc import Sequence

from domain.ids import PaymentId
from domain.payment.commands import PaymentCommand
from domain.payment.decide import decide
from domain.payment.events import PaymentEvent
from domain.payment.evolve import evolve
from domain.payment.state import PaymentState
from event_store.decide import Decided, StreamCommand, decide_and_append
from event_store.event_log import EventLog
from event_store.store import Connection, load_many
from event_store.streams import Aggregate, LoadedStream
from schemas.envelope import EventMetadata
from schemas.events import PAYMENT_CODEC

LoadedPayment = LoadedStream[PaymentState]

PAYMENT = Aggregate[PaymentState, PaymentEvent](codec=PAYMENT_CODEC, evolve=evolve)


async def load_payment(connection: Connection, payment_id: PaymentId) -> LoadedPayment:
    """Load one payment. Raises schemas.errors.SchemaError when an event cannot be read."""
    return (await load_payments(connection, [payment_id]))[payment_id]


async def load_payments(connection: Connection, payment_ids: Sequence[PaymentId]) -> dict[PaymentId, LoadedPayment]:
    """Load many payments in one round trip."""
    streams = await load_many(connection, payment_ids)
    return {PaymentId(payment_id): PAYMENT.load(events) for payment_id, events in streams.items()}


async def command_payment(
    log: EventLog, payment_id: PaymentId, command: PaymentCommand, metadata: EventMetadata
) -> Decided[PaymentState, PaymentEvent]:
    """Decide on a payment and append. Raises DomainError or StillConflicting."""

    def decide_on(payment: LoadedPayment) -> Sequence[PaymentEvent]:
        return decide(payment.state, command)

    decided = await decide_and_append(
        log, PAYMENT, [StreamCommand(stream_id=payment_id, metadata=metadata, decide=decide_on)]
    )
    return decided[payment_id]

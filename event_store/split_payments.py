"""Split payments, folded from their events."""

from collections.abc import Sequence

from domain.ids import SplitPaymentId
from domain.split_payment.events import SplitPaymentEvent
from domain.split_payment.evolve import evolve
from domain.split_payment.state import SplitPaymentState
from event_store.store import Connection, load_many
from event_store.streams import Aggregate, LoadedStream
from schemas.events import SPLIT_PAYMENT_CODEC

LoadedSplitPayment = LoadedStream[SplitPaymentState]

SPLIT_PAYMENT = Aggregate[SplitPaymentState, SplitPaymentEvent](codec=SPLIT_PAYMENT_CODEC, evolve=evolve)


async def load_split_payments(
    connection: Connection, split_payment_ids: Sequence[SplitPaymentId]
) -> dict[SplitPaymentId, LoadedSplitPayment]:
    """Load many in one round trip. Raises schemas.errors.SchemaError when an event cannot be read."""
    streams = await load_many(connection, split_payment_ids)
    return {SplitPaymentId(each): SPLIT_PAYMENT.load(events) for each, events in streams.items()}

"""All or nothing: the money of split payments that have ended, beside that of their legs."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from domain.errors import DomainError
from domain.ids import PaymentId
from domain.payment.state import PaymentState
from domain.split_payment.legs import leg_status
from domain.split_payment.state import RELEASED, LegState
from domain.split_payment.values import LegStatus, SplitPaymentStatus
from event_store.payments import LoadedPayment, load_payments
from event_store.split_payments import SPLIT_PAYMENT, LoadedSplitPayment
from infra.postgres.pool import Connection
from schemas.envelope import RecordedEvent
from schemas.errors import SchemaError

_TAKEN = frozenset({LegStatus.CAPTURED, LegStatus.REFUNDED})


async def broken_splits(
    conn: Connection, streams: Mapping[UUID, Sequence[RecordedEvent]], *, before: datetime
) -> AsyncIterator[tuple[UUID, int, str]]:
    """Give those whose money is not all or nothing: the stream, the position of its last event, and what is wrong.

    `streams` are the events of split payments. One whose legs or itself changed since `before` may be on its way. Those
    whose events cannot be read are left to others to name.
    """
    for stream_id, events in streams.items():
        try:
            split = SPLIT_PAYMENT.load(events)
            legs = await load_payments(conn, [] if split.state is None else list(split.state.legs))
        except (SchemaError, DomainError):
            continue
        if _is_at_rest(split, legs, before):
            for detail in _wrong_legs(split, legs):
                yield stream_id, split.position, detail


def _is_at_rest(split: LoadedSplitPayment, legs: Mapping[PaymentId, LoadedPayment], before: datetime) -> bool:
    streams = [split.events, *(leg.events for leg in legs.values())]
    newest = [events[-1].recorded_at for events in streams if events]
    return bool(newest) and max(newest) < before


def _wrong_legs(split: LoadedSplitPayment, legs: Mapping[PaymentId, LoadedPayment]) -> list[str]:
    assert split.state is not None
    found = []
    for leg in split.state.legs.values():
        payment = legs[leg.payment_id].state
        status = None if payment is None else leg_status(payment, leg.amount)
        if split.state.status is SplitPaymentStatus.COMPLETED and not _is_taken(leg, payment, status):
            found.append(f"it is completed, and leg {leg.payment_id} is {_words(status)}")
        if split.state.status is SplitPaymentStatus.COMPENSATED and status is not None and status not in RELEASED:
            found.append(f"it is compensated, and leg {leg.payment_id} is {_words(status)}")
    return found


def _is_taken(leg: LegState, payment: PaymentState | None, status: LegStatus | None) -> bool:
    if payment is None:
        return False
    return status in _TAKEN or status is LegStatus.CONTRADICTED or payment.amount_captured == leg.amount


def _words(status: LegStatus | None) -> str:
    return "not there" if status is None else status.value.replace("_", " ")

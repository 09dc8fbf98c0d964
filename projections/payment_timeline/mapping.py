"""From events to rows, purely: an event is a row, what it says becomes a summary in the API's words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.money import Money
from domain.payment import PaymentContradicted, PaymentEvent, PaymentRequested
from domain.payment.events import DisputeEvent
from projections.events import DecodedEvent

NAME = "payment_timeline"


@dataclass(frozen=True, kw_only=True, slots=True)
class TimelineRow:
    """A row of `read_model.payment_timeline`; its fields are the table's columns."""

    payment_id: UUID
    version: int
    position: int
    merchant_id: str
    type: str
    at: datetime
    actor: str
    request_id: str | None
    correlation_id: str
    data: dict[str, Any]


def row_of(event: DecodedEvent) -> TimelineRow:
    """Return the row of an event."""
    recorded = event.recorded
    return TimelineRow(
        payment_id=recorded.stream_id,
        version=recorded.version,
        position=recorded.position,
        merchant_id=recorded.metadata.merchant_id,
        type=recorded.type,
        at=recorded.recorded_at,
        actor=recorded.metadata.actor,
        request_id=recorded.metadata.request_id,
        correlation_id=recorded.metadata.correlation_id,
        data=summary(event.fact),
    )


_SAID_ELSEWHERE = {"payment_id", "merchant_id"}
_NAMES = {
    "amount": "amount_cents",
    "amount_captured": "amount_captured_cents",
    "intent_id": "stripe_payment_intent_id",
    "charge_id": "stripe_charge_id",
    "dispute_id": "stripe_dispute_id",
    "object_id": "stripe_id",
}


def summary(fact: PaymentEvent) -> dict[str, Any]:
    """Return what an event says, with the API's names: amounts in cents, Stripe's ids marked as such.

    What it leaves unsaid (None) is left out. The currency stands in the first event only, as it never changes; but a
    dispute, or what contradicts, may be in another one.
    """
    said: dict[str, Any] = {}
    for name in fact.__slots__:
        value = getattr(fact, name)
        if value is None or name in _SAID_ELSEWHERE:
            continue
        said[_NAMES.get(name, name)] = value.amount_cents if isinstance(value, Money) else value
        if isinstance(value, Money) and isinstance(fact, PaymentRequested | DisputeEvent | PaymentContradicted):
            said["currency"] = value.currency
    return said

"""From events to rows, purely: an event is a row, what it says becomes a summary in the API's words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.ids import MerchantId, PaymentId
from projections.events import DecodedEvent
from schemas.http.summaries import summary

NAME = "payment_timeline"


@dataclass(kw_only=True)
class TimelineRow:
    """A row of `read_model.payment_timeline`; its fields are the table's columns, in the order of `insert`.

    Neither frozen nor with slots, as there is one for every event: it is made and written as JSON in half the time.
    """

    payment_id: PaymentId
    version: int
    position: int
    merchant_id: MerchantId
    type: str
    at: datetime
    actor: str
    request_id: str | None
    correlation_id: str
    data: dict[str, Any]


def row_of(decoded: DecodedEvent) -> TimelineRow:
    """Return the row of an event."""
    recorded = decoded.recorded
    return TimelineRow(
        payment_id=PaymentId(recorded.stream_id),
        version=recorded.version,
        position=recorded.position,
        merchant_id=recorded.metadata.merchant_id,
        type=recorded.type,
        at=recorded.recorded_at,
        actor=recorded.metadata.actor,
        request_id=recorded.metadata.request_id,
        correlation_id=recorded.metadata.correlation_id,
        data=summary(decoded.domain_event),
    )

"""From events to rows, purely: the row is what the domain's own fold comes to, as the API shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.ids import MerchantId, SplitPaymentId, UserId
from domain.split_payment.errors import BrokenSplitHistory
from domain.split_payment.evolve import fold
from projections.errors import MisplacedEvent, check_next
from projections.events import DecodedSplitPaymentEvent
from schemas.http.split_payment_views import split_payment_view
from schemas.http.times import moment_of, timestamp

NAME = "split_payments"


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitPaymentRow:
    """A row of `read_model.split_payments`; its fields are the table's columns."""

    split_payment_id: SplitPaymentId
    merchant_id: MerchantId
    user_id: UserId
    status: str
    view: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    version: int
    position: int


def row_of(events: Sequence[DecodedSplitPaymentEvent]) -> SplitPaymentRow:
    """Return the row of a split payment after all of its events. Raises VersionGap or MisplacedEvent."""
    for current, event in enumerate(events):
        check_next(NAME, event.recorded, current)
    last = events[-1].recorded
    try:
        state = fold(event.domain_event for event in events)
    except BrokenSplitHistory as error:
        raise MisplacedEvent(projection=NAME, event_type=last.type, position=last.position) from error
    assert state is not None
    created_at = moment_of(state.split_payment_id) or events[0].recorded.recorded_at
    return SplitPaymentRow(
        split_payment_id=state.split_payment_id,
        merchant_id=state.merchant_id,
        user_id=state.user_id,
        status=state.status.value,
        view={**split_payment_view(state), "created_at": timestamp(created_at)},
        created_at=created_at,
        updated_at=last.recorded_at,
        version=last.version,
        position=last.position,
    )

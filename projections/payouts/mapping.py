"""From events to rows, purely: an event of a payout says all of it, so the last one is the row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from domain.ids import PayoutId
from domain.stripe_balance import PayoutChanged
from projections.errors import check_next
from projections.events import DecodedBalanceEvent

NAME = "payouts"


@dataclass(frozen=True, kw_only=True, slots=True)
class PayoutRow:
    """A row of `read_model.payouts`; its fields are the table's columns."""

    payout_id: PayoutId
    amount: int
    currency: str
    status: str
    automatic: bool
    failure_code: str | None
    arrival_date: date
    created_at: datetime
    updated_at: datetime
    version: int
    position: int


def payout_id_of(events: Sequence[DecodedBalanceEvent]) -> PayoutId:
    """Return the payout of a stream's events."""
    payout = events[0].domain_event
    assert isinstance(payout, PayoutChanged)
    return payout.payout_id


def row_of(events: Sequence[DecodedBalanceEvent], current: int) -> PayoutRow:
    """Return the row of a payout after further events, of which there is one (`current`: its version before; 0: none).

    Raises VersionGap.
    """
    for version, each in enumerate(events, start=current):
        check_next(NAME, each.recorded, version)
    last = events[-1].recorded
    payout = events[-1].domain_event
    assert isinstance(payout, PayoutChanged)
    return PayoutRow(
        payout_id=payout.payout_id,
        amount=payout.amount,
        currency=payout.currency,
        status=payout.status.value,
        automatic=payout.automatic,
        failure_code=payout.failure_code,
        arrival_date=datetime.fromtimestamp(payout.arrival_date, UTC).date(),
        created_at=datetime.fromtimestamp(payout.created, UTC),
        updated_at=last.recorded_at,
        version=last.version,
        position=last.position,
    )

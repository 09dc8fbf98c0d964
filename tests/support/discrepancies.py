"""Discrepancies in the log, as a reconciliation records them."""

import uuid
from datetime import UTC, date, datetime

from domain.ids import BalanceSourceId, DiscrepancyId, EventId, PaymentId
from domain.reconciliation.discrepancy import RECONCILIATION
from domain.reconciliation.events import DiscrepancyEvent, DiscrepancyOpened, DiscrepancyResolved
from domain.reconciliation.run import run_id_of
from domain.reconciliation.values import Difference, DifferenceKind, Entry
from event_store.appends import Append, Appended
from event_store.store import Connection, append
from schemas.envelope import NO_MERCHANT, EventMetadata
from schemas.events import RECONCILIATION_CODEC

_METADATA = EventMetadata(correlation_id="c", actor=RECONCILIATION, merchant_id=NO_MERCHANT)


async def open_discrepancy(
    app: Connection, source_id: str, day: date, payment_id: uuid.UUID | None, *, resolved: bool = False
) -> DiscrepancyId:
    """Append that Stripe lacks a charge of 10.00 USD, and commit."""
    at = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
    difference = Difference(
        kind=DifferenceKind.MISSING_AT_STRIPE,
        source_id=BalanceSourceId(source_id),
        category="charge",
        date=day,
        stripe=None,
        ledger=Entry(amount=1000, currency="USD", fee=59, at=at),
        payment_id=None if payment_id is None else PaymentId(payment_id),
    )
    discrepancy_id, run_id = difference.discrepancy_id, run_id_of(day, "UTC")
    opened = DiscrepancyOpened(discrepancy_id=discrepancy_id, run_id=run_id, number=1, difference=difference)
    gone = DiscrepancyResolved(
        discrepancy_id=discrepancy_id, actor=RECONCILIATION, reason="Both sides agree.", run_id=run_id, number=2
    )
    events: list[DiscrepancyEvent] = [opened, gone] if resolved else [opened]
    request = Append(
        stream_id=discrepancy_id,
        category="reconciliation",
        merchant_id=NO_MERCHANT,
        expected_version=0,
        events=tuple(
            RECONCILIATION_CODEC.encode(each, event_id=EventId(uuid.uuid4()), metadata=_METADATA) for each in events
        ),
    )
    (result,) = await append(app, [request])
    assert isinstance(result, Appended)
    await app.commit()
    return discrepancy_id

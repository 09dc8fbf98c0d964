"""The read model of reconciliations follows the events, however they are cut into batches."""

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from domain.ids import BalanceSourceId, BalanceTransactionId, EventId, MerchantId
from domain.reconciliation.classify import classify
from domain.reconciliation.events import (
    DiscrepancyAssigned,
    DiscrepancyExplained,
    DiscrepancyOpened,
    DiscrepancyReopened,
    DiscrepancyResolved,
    ReconciliationCompleted,
    ReconciliationEvent,
    ReconciliationFailed,
    ReconciliationRequested,
    ReconciliationStarted,
)
from domain.reconciliation.rows import StripeRow
from domain.reconciliation.run import run_id_of
from domain.reconciliation.values import CurrencyTotals, DifferenceKind
from domain.reconciliation.window import day_window
from projections.errors import VersionGap
from projections.events import DecodedReconciliationEvent
from projections.reconciliation import read
from projections.reconciliation.projection import Reconciliations
from schemas.envelope import EventMetadata, RecordedEvent
from schemas.events import RECONCILIATION_CODEC
from tests.support.database import Database

pytestmark = pytest.mark.integration

DAY = date(2026, 3, 10)
RUN = run_id_of(DAY, "UTC")
WINDOW = day_window(DAY, "UTC", cutoff=60, now=2**40)
(FOUND,) = classify(
    [StripeRow(BalanceSourceId("ch_1"), "charge", BalanceTransactionId("txn_1"), 1000, 59, "KWD", WINDOW.start)],
    [],
    WINDOW,
)
ID = FOUND.difference.discrepancy_id
META = EventMetadata(correlation_id="c", actor="reconciliation", merchant_id=MerchantId("-"))
EVENTS: Sequence[tuple[uuid.UUID, ReconciliationEvent]] = (
    (RUN, ReconciliationRequested(run_id=RUN, number=1, date=DAY, time_zone="UTC", origin="api", actor="api:f")),
    (RUN, ReconciliationStarted(run_id=RUN, number=1, attempt=1, head=3)),
    (RUN, ReconciliationFailed(run_id=RUN, number=1, attempt=1, reason="Stripe is away", final=False)),
    (RUN, ReconciliationStarted(run_id=RUN, number=1, attempt=2, head=5)),
    (ID, DiscrepancyOpened(discrepancy_id=ID, run_id=RUN, number=1, difference=FOUND.difference)),
    (
        RUN,
        ReconciliationCompleted(
            run_id=RUN,
            number=1,
            date=DAY,
            totals=(CurrencyTotals(currency="KWD", stripe_rows=1, stripe_amount=1000, stripe_fee=59),),
            found={"missing_here": 1},
            opened=1,
        ),
    ),
    (ID, DiscrepancyAssigned(discrepancy_id=ID, assignee="bo", actor="ana")),
    (ID, DiscrepancyExplained(discrepancy_id=ID, actor="ana", reason="a test")),
    (
        ID,
        DiscrepancyResolved(
            discrepancy_id=ID, actor="reconciliation", reason="Both sides agree.", run_id=RUN, number=1
        ),
    ),
    (ID, DiscrepancyReopened(discrepancy_id=ID, run_id=RUN, number=1, difference=FOUND.difference)),
)


def events() -> list[DecodedReconciliationEvent]:
    versions: dict[uuid.UUID, int] = {}
    decoded = []
    for position, (stream_id, event) in enumerate(EVENTS, 1):
        versions[stream_id] = versions.get(stream_id, 0) + 1
        new = RECONCILIATION_CODEC.encode(event, event_id=EventId(uuid.uuid4()), metadata=META)
        recorded = RecordedEvent(
            position=position,
            event_id=new.event_id,
            stream_id=stream_id,
            version=versions[stream_id],
            category="reconciliation",
            type=new.type,
            schema_version=new.schema_version,
            data=new.data,
            metadata=META,
            recorded_at=datetime(2026, 3, 11, 6, tzinfo=UTC) + timedelta(minutes=position),
        )
        decoded.append(DecodedReconciliationEvent.of(recorded))
    return decoded


@pytest.mark.parametrize("batch", [1, 2, len(EVENTS)])
async def test_rows_show_the_newest_state(database: Database, batch: int) -> None:
    projection, written = Reconciliations(), events()
    async with await psycopg.AsyncConnection.connect(database.url("projector")) as conn:
        for at in range(0, len(written), batch):
            await projection.write(conn, written[at : at + batch])
        await conn.commit()
    async with await psycopg.AsyncConnection.connect(database.url("query")) as conn:
        run = await read.find_run(conn, RUN)
        (discrepancy,) = await read.discrepancies(conn, filters=read.DiscrepancyFilters(), after=None, limit=5)
        filters = read.DiscrepancyFilters(status="unresolved", kind="missing_here", date_from=DAY, date_to=DAY)
        assert await read.discrepancies(conn, filters=filters, after=None, limit=5) == [discrepancy]
        assert await read.discrepancies(conn, filters=filters, after=discrepancy.key, limit=5) == []
        assert await read.find_discrepancy(conn, ID) == discrepancy
        for assignee, found in (("bo", [discrepancy]), ("ana", [])):
            filters = read.DiscrepancyFilters(assignee=assignee)
            assert await read.discrepancies(conn, filters=filters, after=None, limit=5) == found
        assert await read.runs(conn, filters=read.RunFilters(status="running"), after=None, limit=5) == []
    assert run is not None
    assert (run.status, run.attempt, run.failure, run.opened) == ("completed", 2, None, 1)
    assert run.found == '{"missing_here": 1}'
    assert (run.version, run.position) == (5, 6)
    assert (discrepancy.status, discrepancy.actor, discrepancy.kind) == (
        "open",
        None,
        DifferenceKind.MISSING_HERE.value,
    )
    assert (discrepancy.ledger, discrepancy.version, discrepancy.assignee) == (None, 5, "bo")
    assert discrepancy.stripe is not None
    assert '"amount": 1000' in discrepancy.stripe


async def test_an_event_that_is_not_the_next_is_refused(database: Database) -> None:
    written = events()
    async with await psycopg.AsyncConnection.connect(database.url("projector")) as conn:
        await Reconciliations().write(conn, written[:1])
        with pytest.raises(VersionGap):
            await Reconciliations().write(conn, written[2:3])

"""From events to rows, purely."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from domain.reconciliation.events import (
    DiscrepancyAssigned,
    DiscrepancyEvent,
    DiscrepancyExplained,
    DiscrepancyOpened,
    DiscrepancyReopened,
    DiscrepancyResolved,
    ReconciliationCompleted,
    ReconciliationFailed,
    ReconciliationRequested,
    ReconciliationStarted,
    RunEvent,
)
from domain.reconciliation.run import RunStatus
from domain.reconciliation.values import CurrencyTotals, DiscrepancyStatus, Entry
from projections.errors import MisplacedEvent, check_next
from projections.reconciliation.rows import DiscrepancyRow, RunRow
from schemas.envelope import RecordedEvent
from schemas.http.times import timestamp

NAME = "reconciliation"


def next_run(row: RunRow | None, recorded: RecordedEvent, event: RunEvent) -> RunRow:
    """Return the row after an event of a day's runs. Raises ProjectionError for one that is not the next."""
    _check(row, recorded)
    at: dict[str, Any] = {
        "updated_at": recorded.recorded_at,
        "version": recorded.version,
        "position": recorded.position,
    }
    if isinstance(event, ReconciliationRequested):
        return RunRow(
            run_id=event.run_id,
            number=event.number,
            date=event.date,
            time_zone=event.time_zone,
            origin=event.origin,
            report=event.report,
            status=RunStatus.REQUESTED.value,
            attempt=0,
            failure=None,
            totals=[],
            found={},
            opened=0,
            resolved=0,
            backfilled=0,
            payouts=0,
            requested_at=recorded.recorded_at,
            completed_at=None,
            updated_at=recorded.recorded_at,
            version=recorded.version,
            position=recorded.position,
        )
    if row is None:
        raise _misplaced(recorded)
    changes: dict[str, Any]
    match event:
        case ReconciliationStarted():
            changes = {"status": RunStatus.RUNNING.value, "attempt": event.attempt}
        case ReconciliationCompleted():
            changes = {
                "status": RunStatus.COMPLETED.value,
                "failure": None,
                "totals": [_totals(each) for each in event.totals],
                "found": dict(event.found),
                "opened": event.opened,
                "resolved": event.resolved,
                "backfilled": event.backfilled,
                "payouts": event.payouts,
                "completed_at": recorded.recorded_at,
            }
        case ReconciliationFailed():
            status = RunStatus.FAILED if event.final else RunStatus.RETRYING
            changes = {"status": status.value, "failure": event.reason}
    return replace(row, **changes, **at)


def next_discrepancy(row: DiscrepancyRow | None, recorded: RecordedEvent, event: DiscrepancyEvent) -> DiscrepancyRow:
    """Return the row after an event of a discrepancy. Raises ProjectionError for one that is not the next."""
    _check(row, recorded)
    at: dict[str, Any] = {
        "updated_at": recorded.recorded_at,
        "version": recorded.version,
        "position": recorded.position,
    }
    if isinstance(event, DiscrepancyOpened | DiscrepancyReopened):
        difference = event.difference
        return DiscrepancyRow(
            discrepancy_id=event.discrepancy_id,
            kind=difference.kind.value,
            source_id=difference.source_id,
            category=difference.category,
            date=difference.date,
            status=DiscrepancyStatus.OPEN.value,
            stripe=_entry(difference.stripe),
            ledger=_entry(difference.ledger),
            transaction_ids=list(difference.transaction_ids),
            payment_id=difference.payment_id or (row.payment_id if row else None),
            run_id=event.run_id,
            actor=None,
            reason=None,
            assignee=row.assignee if row else None,
            opened_at=row.opened_at if row else recorded.recorded_at,
            updated_at=recorded.recorded_at,
            version=recorded.version,
            position=recorded.position,
        )
    if row is None:
        raise _misplaced(recorded)
    changes: dict[str, Any]
    match event:
        case DiscrepancyAssigned():
            changes = {"assignee": event.assignee}
        case DiscrepancyExplained():
            changes = {"status": DiscrepancyStatus.EXPLAINED.value, "actor": event.actor, "reason": event.reason}
        case DiscrepancyResolved():
            changes = {"status": DiscrepancyStatus.RESOLVED.value, "actor": event.actor, "reason": event.reason}
    return replace(row, **changes, **at)


def _totals(totals: CurrencyTotals) -> dict[str, Any]:
    """Return totals as they are shown: of another system's rows, only where there are any."""
    shown = asdict(totals)
    return shown if totals.foreign_rows else {name: shown[name] for name in shown if not name.startswith("foreign_")}


def _check(row: RunRow | DiscrepancyRow | None, recorded: RecordedEvent) -> None:
    check_next(NAME, recorded, row.version if row else 0)


def _misplaced(recorded: RecordedEvent) -> MisplacedEvent:
    return MisplacedEvent(projection=NAME, event_type=recorded.type, position=recorded.position)


def _entry(entry: Entry | None) -> dict[str, Any] | None:
    return None if entry is None else {**asdict(entry), "at": timestamp(datetime.fromtimestamp(entry.at, UTC))}

"""The worker's table of discrepancies: each as its stream says, and which run saw or resolved it last."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import orjson

from consumers.reconciliation.run_ref import RunRef
from domain.ids import BalanceSourceId, DiscrepancyId, RunId
from domain.reconciliation.discrepancy import DiscrepancyState
from domain.reconciliation.values import Difference, DiscrepancyStatus
from event_store.reconciliation import DecidedDiscrepancy
from event_store.streams import LoadedStream
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

SQL = Queries.load(Path(__file__).with_name("discrepancies.sql"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Unresolved:
    """A discrepancy that a run has to check again."""

    discrepancy_id: DiscrepancyId
    run_id: RunId
    date: date
    kind: str
    source_id: BalanceSourceId
    category: str
    was_at_stripe: bool
    """Whether Stripe had a row of it when it was last seen."""


async def write_rows(
    conn: Connection,
    discrepancies: Mapping[DiscrepancyId, DecidedDiscrepancy | LoadedStream[DiscrepancyState]],
    *,
    resolved_by: RunRef | None = None,
) -> None:
    """Write the rows of discrepancies as their streams say, in the caller's transaction; `resolved_by`: a run."""
    in_order = [each for _, each in sorted(discrepancies.items())]
    rows = [_row(each.state, each.version, resolved_by) for each in in_order if each.state is not None]
    await conn.execute(SQL.write_rows, {"rows": orjson.dumps(rows).decode()})


async def count_unresolved(conn: Connection) -> dict[str, int]:
    """Return how many discrepancies are open, and how many explained."""
    cursor = await conn.execute(SQL.count_unresolved)
    return dict(await cursor.fetchall())


def _row(state: DiscrepancyState, version: int, run: RunRef | None) -> dict[str, object]:
    difference = state.difference
    by_run = run if run is not None and state.status is DiscrepancyStatus.RESOLVED else None
    return {
        "discrepancy_id": state.discrepancy_id,
        "version": version,
        "run_id": state.run_id,
        "number": state.number,
        "date": difference.date,
        "kind": difference.kind.value,
        "source_id": difference.source_id,
        "category": difference.category,
        "status": state.status.value,
        "payment_id": difference.payment_id,
        **_entry("stripe", difference),
        **_entry("ledger", difference),
        "actor": state.actor,
        "reason": state.reason,
        "resolved_run_id": by_run.run_id if by_run else None,
        "resolved_number": by_run.number if by_run else None,
    }


def _entry(side: str, difference: Difference) -> dict[str, object]:
    entry = difference.stripe if side == "stripe" else difference.ledger
    return {
        f"{side}_amount": entry.amount if entry else None,
        f"{side}_currency": entry.currency if entry else None,
        f"{side}_fee": entry.fee if entry else None,
    }

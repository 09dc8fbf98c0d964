"""The worker's table of discrepancies: each as its stream says, and which run saw or resolved it last."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

import orjson
import structlog

from consumers.reconciliation.run_ref import RunRef
from domain.ids import DiscrepancyId
from domain.reconciliation.discrepancy import DiscrepancyState
from domain.reconciliation.values import Difference, DiscrepancyStatus
from domain.reconciliation.window import Window
from event_store.reconciliation import DISCREPANCY, DecidedDiscrepancy
from event_store.store import load_many
from event_store.streams import LoadedStream
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from schemas.errors import SchemaError

log = structlog.get_logger(__name__)

SQL = Queries.load(Path(__file__).with_name("discrepancies.sql"))


async def load_differences(
    conn: Connection, discrepancy_ids: Sequence[DiscrepancyId]
) -> dict[DiscrepancyId, Difference]:
    """Return how discrepancies differ, as their streams say, in this order; those that cannot be read are left out."""
    streams = await load_many(conn, discrepancy_ids)
    found: dict[DiscrepancyId, Difference] = {}
    for discrepancy_id in discrepancy_ids:
        try:
            state = DISCREPANCY.load(streams[discrepancy_id]).state
        except SchemaError as error:
            log.warning("discrepancy_unreadable", discrepancy_id=str(discrepancy_id), error=error.explanation)
            continue
        if state is not None:
            found[discrepancy_id] = state.difference
    return found


async def find_shown(
    conn: Connection, differences: Mapping[DiscrepancyId, Difference], staging_id: UUID, window: Window
) -> list[DiscrepancyId]:
    """Return those whose rows at Stripe are all staged, one of them of the window's day.

    Of what Stripe had no row, whether there is one of the day now.
    """
    looked_for = [
        {
            "discrepancy_id": discrepancy_id,
            "source_id": difference.source_id,
            "category": difference.category,
            "transaction_ids": list(difference.transaction_ids),
        }
        for discrepancy_id, difference in differences.items()
    ]
    of_the_day = {"staging_id": staging_id, "start": window.start, "end": window.end}
    cursor = await conn.execute(SQL.find_shown, {"looked_for": orjson.dumps(looked_for).decode(), **of_the_day})
    return [row[0] for row in await cursor.fetchall()]


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

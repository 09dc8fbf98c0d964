"""Writes the projection: a batch's rows are read, folded on and written back, each as one set."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, LiteralString, TypeVar, cast
from uuid import UUID

from psycopg.rows import dict_row

from domain.reconciliation.events import DiscrepancyEvent, RunEvent
from infra.postgres.jsonb import jsonb
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections.errors import RowsChangedMeanwhile
from projections.events import DecodedReconciliationEvent, by_stream
from projections.reconciliation.mapping import NAME, next_discrepancy, next_run
from projections.reconciliation.rows import DiscrepancyRow, RunRow
from schemas.envelope import RecordedEvent
from schemas.topics import RECONCILIATION

_SQL = Queries.load(Path(__file__).with_name("projection.sql"))

Row = TypeVar("Row", RunRow, DiscrepancyRow)
Event = TypeVar("Event", RunEvent, DiscrepancyEvent)
Step = Callable[[Row | None, RecordedEvent, Event], Row]


class Reconciliations:
    """The projection, for the runner."""

    name = NAME
    topic = RECONCILIATION

    async def write(self, conn: Connection, events: Sequence[DecodedReconciliationEvent]) -> None:
        """Bring the rows of these events' runs and discrepancies up to date.

        Raises ProjectionError (projections.errors) when an event is not the next of its stream; the caller must then
        roll back.
        """
        runs = by_stream(each for each in events if isinstance(each.domain_event, RunEvent))
        if runs:
            before = await _load(conn, _SQL.runs, runs, RunRow)
            run_rows = [_fold(before.get(stream_id), its_events, next_run) for stream_id, its_events in runs.items()]
            await _save(conn, _SQL.save_runs, run_rows)
        discrepancies = by_stream(each for each in events if isinstance(each.domain_event, DiscrepancyEvent))
        if discrepancies:
            known = await _load(conn, _SQL.discrepancies, discrepancies, DiscrepancyRow)
            rows = [
                _fold(known.get(stream_id), its_events, next_discrepancy)
                for stream_id, its_events in discrepancies.items()
            ]
            await _save(conn, _SQL.save_discrepancies, rows)


def _fold(row: Row | None, events: Iterable[DecodedReconciliationEvent], step: Step[Row, Event]) -> Row:
    for each in events:
        row = step(row, each.recorded, cast("Any", each.domain_event))
    assert row is not None, "a stream of the batch has an event"
    return row


async def _load(
    conn: Connection, statement: LiteralString, stream_ids: Iterable[UUID], row_type: type[Row]
) -> dict[UUID, Row]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(statement, {"stream_ids": list(stream_ids)})
        return {found["stream_id"]: row_type(**_columns(found)) for found in await cursor.fetchall()}


def _columns(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name != "stream_id"}


async def _save(conn: Connection, statement: LiteralString, rows: Sequence[RunRow] | Sequence[DiscrepancyRow]) -> None:
    cursor = await conn.execute(statement, {"rows": jsonb(rows)})
    if cursor.rowcount != len(rows):
        raise RowsChangedMeanwhile(projection=NAME, expected=len(rows), actual=cursor.rowcount)

"""The runs that were requested: a row for the newest run of each day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from psycopg.rows import class_row, scalar_row

from domain.ids import RunId
from domain.reconciliation.events import ReconciliationRequested
from domain.reconciliation.run import RunState
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

SQL = Queries.load(Path(__file__).with_name("runs.sql"))


@dataclass(frozen=True, kw_only=True, slots=True)
class DueRun:
    """A run whose turn it is. `attempts` failed so far."""

    run_id: RunId
    number: int
    date: date
    attempts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownDay:
    """A day that was requested."""

    date: date
    status: str
    updated_at: datetime


async def add_requested(conn: Connection, requests: Sequence[ReconciliationRequested]) -> None:
    """Add requested runs. One that is known, or older than a known one, changes nothing."""
    for request in requests:
        await conn.execute(
            SQL.add_requested,
            {
                "run_id": request.run_id,
                "number": request.number,
                "date": request.date,
                "time_zone": request.time_zone,
                "report": request.report,
            },
        )


async def next_due(conn: Connection) -> DueRun | None:
    """Return the run of the oldest day that is due."""
    async with conn.cursor(row_factory=class_row(DueRun)) as cursor:
        await cursor.execute(SQL.next_due)
        return await cursor.fetchone()


async def defer(conn: Connection, run: DueRun, *, delay_s: float, reason: str, final: bool) -> None:
    """Note that a run failed: it is due again after a time, or never."""
    await conn.execute(
        SQL.defer,
        {"run_id": run.run_id, "number": run.number, "delay_s": delay_s, "reason": reason, "final": final},
    )


async def record_end(conn: Connection, state: RunState) -> None:
    """Note that a run has ended, in the transaction of its last event."""
    await conn.execute(
        SQL.record_end,
        {
            "run_id": state.run_id,
            "number": state.number,
            "date": state.date,
            "time_zone": state.time_zone,
            "report": state.report,
            "status": "completed" if state.completed else "failed",
        },
    )


async def known_days(conn: Connection, *, time_zone: str, since: date) -> list[KnownDay]:
    """Return the days that were requested since one."""
    async with conn.cursor(row_factory=class_row(KnownDay)) as cursor:
        await cursor.execute(SQL.known_days, {"time_zone": time_zone, "since": since})
        return await cursor.fetchall()


async def first_day(conn: Connection, *, time_zone: str) -> date | None:
    """Return the first day that was ever requested."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(SQL.first_day, {"time_zone": time_zone})
        found: date | None = await cursor.fetchone()
    return found


async def last_good_run_age_s(conn: Connection) -> float | None:
    """Return how long ago the newest day that was reconciled was, in seconds: an older day's new run is none of it."""
    cursor = await conn.execute(SQL.last_good_run_age)
    row = await cursor.fetchone()
    return None if row is None or row[0] is None else float(row[0])

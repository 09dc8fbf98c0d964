"""Requests a run of a reconciliation: decides and appends; the reconciliation worker runs it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from domain.reconciliation.run import RequestRun, run_id_of
from event_store.reconciliation import DecidedRun, command_run, metadata
from infra.http.context import RequestContext
from infra.http.problems import Problem
from infra.postgres.pool import DatabaseUnavailable, Pool


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReconciliationService:
    """What the route works with; an application keeps it as `app.state.reconciliations`."""

    pool: Pool
    time_zone: str
    timeout_s: float
    now: Callable[[], datetime] = _now

    async def request(self, day: date, *, key_id: str, context: RequestContext) -> DecidedRun:
        """Request a run of a day; while one is under way, that is the one.

        Raises Problem for a day that has not begun, or infra.errors.Unavailable.
        """
        if day > self.now().astimezone(ZoneInfo(self.time_zone)).date():
            detail = f"{day.isoformat()} has not begun in {self.time_zone}."
            raise Problem(422, "day_not_begun", "The day has not begun", detail)
        command = RequestRun(date=day, time_zone=self.time_zone, origin="api", actor=f"api:{key_id}")
        meta = metadata(correlation_id=context.correlation_id, actor=f"api:{key_id}", request_id=context.request_id)
        try:
            async with asyncio.timeout(self.timeout_s), self.pool.connection() as conn:
                return await command_run(conn, run_id_of(day, self.time_zone), command, meta)
        except TimeoutError:
            raise DatabaseUnavailable(f"the request was not recorded within {self.timeout_s:g} s") from None

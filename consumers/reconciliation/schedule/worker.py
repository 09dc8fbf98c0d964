"""Requests the days that are due and executes requested runs, while this process is the leader."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from consumers.reconciliation import metrics
from consumers.reconciliation.discrepancies import count_unresolved
from consumers.reconciliation.run.reconciler import Reconciler
from consumers.reconciliation.schedule.days import Schedule, days_due
from consumers.reconciliation.schedule.runs import (
    DueRun,
    KnownDay,
    defer,
    first_day,
    known_days,
    last_good_run_age_s,
    next_due,
)
from domain.reconciliation.run import RequestRun, run_id_of
from domain.reconciliation.window import day_window
from event_store.reconciliation import command_run, metadata
from infra.backoff import Backoff
from infra.ids import uuid7
from infra.kafka.consumer.retry_policy import is_worth_retrying
from infra.postgres.pool import Pool
from infra.process.health import Unhealthy
from infra.process.heartbeat import Heartbeat
from infra.redis.redlock import Redlock, run_as_leader

log = structlog.get_logger(__name__)

NAME = "reconciliation"
_LOCK = "reconciliation"
_STALL_AFTER_S = 60.0
_LONGEST_DELAY_S = 3600.0
_LONGEST_REASON = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerRules:
    """How the worker is to be; see the settings of the same names."""

    schedule: Schedule
    time_zone: str
    catch_up_days: int
    cutoff_s: int
    retry_s: float
    attempts: int
    lock_ttl_ms: int
    interval_s: float = 1.0
    """From one look at what is due to the next."""


class ReconciliationWorker:
    """One process works and the others are standbys. The lock only saves work; two at once have one result.

    So while the lock servers are away, each of them runs: finance must not wait for Redis.
    """

    def __init__(
        self,
        pool: Pool,
        reconciler: Reconciler,
        redlock: Redlock,
        rules: WorkerRules,
        *,
        wake: asyncio.Event,
        heartbeat: Heartbeat | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`wake` is set when a run was requested; `heartbeat` is called by others too."""
        self._pool = pool
        self._reconciler = reconciler
        self._redlock = redlock
        self._rules = rules
        self._wake = wake
        self._clock = clock
        self._heartbeat = heartbeat or Heartbeat()

    async def check_live(self) -> None:
        """Raise Unhealthy when nothing has moved for too long, neither a run nor the look at what is due."""
        if self._heartbeat.silent_s > self._rules.interval_s + _STALL_AFTER_S:
            raise Unhealthy(f"nothing has moved in {self._heartbeat.silent_s:.0f} s")

    async def run(self, stop: asyncio.Event) -> None:
        """Work, or stand by, until `stop`. A run under way is then cut short: the next process begins it anew."""
        working = asyncio.create_task(self._lead(stop))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            working.cancel()
            await asyncio.wait({working, stopping})
        if not working.cancelled():
            working.result()

    async def _lead(self, stop: asyncio.Event) -> None:
        await run_as_leader(
            self._redlock,
            _LOCK,
            self._run_due,
            stop,
            interval_s=self._rules.interval_s,
            lock_ttl_ms=self._rules.lock_ttl_ms,
            heartbeat=self._heartbeat,
            standby=self._measure,
            wake=self._wake,
        )

    async def _run_due(self, _result: str, may_continue: Callable[[], bool]) -> None:
        while True:
            self._heartbeat()
            ran = False
            try:
                await self.request_due_days()
                ran = await self.run_next()
            except Exception as error:
                if not is_worth_retrying(error):
                    raise
                log.warning("reconciliation_turn_failed", error=f"{type(error).__name__}: {error}")
            await self._measure()
            if not (ran and may_continue()):
                return

    async def request_due_days(self) -> int:
        """Request every due day that nobody has requested yet; return how many."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        last_due, fired = self._rules.schedule.last_due(now)
        if last_due is None or fired is None:
            return 0
        first = last_due - timedelta(days=self._rules.catch_up_days - 1)
        async with self._pool.connection() as conn:
            known = await known_days(conn, time_zone=self._rules.time_zone, since=first)
            since = await first_day(conn, time_zone=self._rules.time_zone)
        done = {each.date for each in known if self._needs_no_request(each, fired)}
        days = days_due(last_due=last_due, since=since, known=done, at_most=self._rules.catch_up_days)
        requested = 0
        for day in days:
            command = RequestRun(date=day, time_zone=self._rules.time_zone, origin="schedule", actor="schedule")
            async with self._pool.connection() as conn, conn.transaction():
                meta = metadata(correlation_id=f"schedule-{uuid7()}", actor=NAME)
                decided = await command_run(conn, run_id_of(day, self._rules.time_zone), command, meta)
            requested += len(decided.events)
        if requested:
            log.info("reconciliation_days_requested", days=requested, last=last_due.isoformat())
        return requested

    def _needs_no_request(self, day: KnownDay, fired: datetime) -> bool:
        """Whether a day needs no request: it is under way, or was run after its end and cut-off.

        One that failed for good, or that the schedule has before its cut-off is over, is requested again at the next
        moment of the schedule.
        """
        if day.status == "due":
            return True
        if day.status == "failed":
            return day.updated_at >= fired
        window = day_window(day.date, self._rules.time_zone, cutoff=self._rules.cutoff_s, now=0)
        return day.updated_at.timestamp() >= min(window.last, fired.timestamp())

    async def run_next(self) -> bool:
        """Run what is due next; whether something was, and could be tried."""
        async with self._pool.connection() as conn:
            due = await next_due(conn)
        if due is None:
            return False
        try:
            state = await self._reconciler.run(due.run_id, progress=self._on_progress)
        except Exception as error:
            log.exception("reconciliation_failed", run_id=str(due.run_id), number=due.number)
            await self._failed(due, f"{type(error).__name__}: {error}"[:_LONGEST_REASON])
            return True
        return state is not None

    def _on_progress(self, stage: str, done: int, total: int | None = None) -> None:  # noqa: ARG002 - as Progress has it
        self._heartbeat()

    async def _failed(self, due: DueRun, reason: str) -> None:
        final = due.attempts + 1 >= self._rules.attempts
        backoff = Backoff(first_s=self._rules.retry_s, longest_s=_LONGEST_DELAY_S)
        delay_s = backoff.pause_s(due.attempts + 1)
        await self._reconciler.fail(due.run_id, due.number, reason=reason, final=final)
        async with self._pool.connection() as conn:
            await defer(conn, due, delay_s=delay_s, reason=reason, final=final)

    async def _measure(self) -> None:
        try:
            async with self._pool.connection() as conn:
                age_s = await last_good_run_age_s(conn)
                unresolved = await count_unresolved(conn)
        except Exception as error:
            if not is_worth_retrying(error):
                raise
            return
        metrics.LAST_GOOD_RUN_AGE_SECONDS.set(math.nan if age_s is None else age_s)
        for status in ("open", "explained"):
            metrics.UNRESOLVED.labels(status).set(unresolved.get(status, 0))

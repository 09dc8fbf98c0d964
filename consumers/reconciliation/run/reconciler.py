"""One run, from its start to its result.

Any number of processes may execute the same run at once, and any of them may be killed at any moment: Stripe's rows are
staged by each for itself, discrepancies have ids that follow from what differs, and each event is appended on condition
of its stream's version. So the result is one. An advisory lock spares the work of the second.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import psycopg
import structlog

from consumers.reconciliation import metrics
from consumers.reconciliation.run.backfill import (
    UnmatchedRow,
    backfill,
    can_be_backfilled,
    is_foreign,
    is_of_payment,
    lacks_stripes_row,
    record_rows,
)
from consumers.reconciliation.run.comparison import Comparer, Comparison, Scope
from consumers.reconciliation.run.discrepancies import Recorder, RunRef, Unresolved, is_still_there
from consumers.reconciliation.run.ledger import log_head, movements_of, wait_for_ledger, wait_for_poller
from consumers.reconciliation.run.staging import Staging, staging
from consumers.reconciliation.schedule.runs import SQL, record_end
from consumers.reconciliation.statement.statement import Owner, StripeStatement
from domain.reconciliation.classify import classify, classify_payout
from domain.reconciliation.merge import Candidate, with_foreign
from domain.reconciliation.rows import ForeignRow, StripeRow
from domain.reconciliation.run import CompleteRun, FailRun, RunState, StartRun
from domain.reconciliation.values import PAYOUT_ITEMS, Difference, Finding
from domain.reconciliation.window import Window, day_window
from event_store.reconciliation import command_run, load_run
from infra.postgres.pool import Pool

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRules:
    """How runs are to be; see the settings of the same names."""

    cutoff_s: int
    ledger_wait_s: float
    lookups: int
    partitions: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a run compares. `thorough`: the books are Stripe itself, where what one of them lacks can be looked up."""

    scope: Scope
    thorough: bool = True


class RunProgress(Protocol):
    """Is told how a run goes on."""

    def __call__(self, stage: str, done: int, total: int | None = None) -> None:
        """`done` of `total` (None: nobody knows) in a stage: `ledger`, `reading`, `comparing`, `payouts`, `looking`."""


def silent(stage: str, done: int, total: int | None = None) -> None:
    """Tell nobody."""


class Reconciler:
    """Runs days. `database_url` is for the connection that holds the advisory lock, and nothing else."""

    def __init__(
        self,
        pool: Pool,
        statement: StripeStatement,
        rules: RunRules,
        *,
        database_url: str,
        clock: Callable[[], float] = time.time,
        plan: Plan | None = None,
    ) -> None:
        """`plan`: by default, a run compares its day."""
        self._pool = pool
        self._statement = statement
        self._rules = rules
        self._database_url = database_url
        self._clock = clock
        self._plan = plan

    async def run(self, run_id: UUID, *, progress: RunProgress = silent) -> RunState | None:
        """Run what was asked for, unless it has ended; return where it stands. None: another process is at it.

        Raises whatever came in the way. `fail` says so in the log.
        """
        async with self._alone(run_id) as alone:
            if not alone:
                metrics.RUNS.labels("passed").inc()
                return None
            state = await self._started(run_id)
            if state is None or not state.is_under_way:
                return state
            begun = time.monotonic()
            completed = await self._execute(state, progress)
        metrics.RUNS.labels("completed").inc()
        metrics.RUN_SECONDS.observe(time.monotonic() - begun)
        return completed

    async def fail(self, run_id: UUID, number: int, *, reason: str, final: bool) -> None:
        """Record that an attempt came to no result, unless the run has ended meanwhile."""
        async with self._pool.connection() as conn, conn.transaction():
            state = await load_run(conn, run_id)
            if state is None or state.number != number or not state.is_under_way:
                return
            command = FailRun(number=number, reason=reason, final=final)
            await command_run(conn, run_id, command, _ref(state).metadata)
        metrics.RUNS.labels("failed").inc()

    async def _started(self, run_id: UUID) -> RunState | None:
        """Record the start of an attempt; one that was cut short goes on."""
        async with self._pool.connection() as conn, conn.transaction():
            state = await load_run(conn, run_id)
            if state is None:
                return None
            if not state.is_under_way:
                await record_end(conn, state)
                return state
            start = StartRun(number=state.number, head=await log_head(conn))
            decided = await command_run(conn, run_id, start, _ref(state).metadata)
        return decided.state

    async def _execute(self, state: RunState, progress: RunProgress) -> RunState:
        run = _ref(state)
        recorder = Recorder(self._pool, run)
        plan = self._plan or Plan(
            scope=Scope(
                window=day_window(state.date, state.time_zone, cutoff=self._rules.cutoff_s, now=int(self._clock()))
            )
        )
        with structlog.contextvars.bound_contextvars(correlation_id=run.correlation_id):
            log.info("reconciliation_started", date=state.date.isoformat(), number=state.number, attempt=state.attempt)
            await self._wait_for_ledger(plan.scope.window, progress)
            async with staging(self._pool, run.run_id) as staged:
                compared, payouts = await self._compare(staged, plan, recorder, progress)
                if plan.thorough:
                    await self._look_up_candidates(run, compared, plan.scope.window, recorder, progress)
                    await recorder.resolve_gone(staged.begun_at)
                    await self._recheck_unresolved(run, staged, recorder, progress)
            completed = await self._complete(state, recorder, compared, payouts)
            log.info(
                "reconciliation_completed",
                date=state.date.isoformat(),
                number=state.number,
                rows=compared.rows,
                found=dict(compared.found),
            )
        metrics.ROWS.inc(compared.rows)
        return completed

    async def _wait_for_ledger(self, window: Window, progress: RunProgress) -> None:
        """Wait until the ledger has all of the day that is to be had: Stripe's rows of it, and what is in the log."""

        def heartbeat() -> None:
            progress("ledger", 0)

        heartbeat()
        moment = min(float(window.last), self._clock())
        await wait_for_poller(self._pool, moment, within_s=self._rules.ledger_wait_s, heartbeat=heartbeat)
        async with self._pool.connection() as conn:
            head = await log_head(conn)
        await wait_for_ledger(
            self._pool, head, partitions=self._rules.partitions, within_s=self._rules.ledger_wait_s, heartbeat=heartbeat
        )

    async def _compare(
        self, staged: Staging, plan: Plan, recorder: Recorder, progress: RunProgress
    ) -> tuple[Comparison, int]:
        window = plan.scope.window
        rows = self._statement.rows(window.first, window.last)
        await staged.fill(rows, lambda done: progress("reading", done))
        comparer = Comparer(
            self._pool,
            staged,
            plan.scope,
            doubts=self._rules.lookups if plan.thorough else 0,
            observe=recorder.observe,
            heartbeat=lambda done: progress("comparing", done, 2 * staged.written),
        )
        compared = await comparer.run()
        payouts = 0
        async for payout in self._statement.payouts(window.start, window.end):
            payouts += 1
            progress("payouts", payouts)
            if (finding := classify_payout(payout, window)) is not None:
                await comparer.believe([finding])
        await comparer.flush()
        return compared, payouts

    async def _look_up_candidates(
        self, run: RunRef, compared: Comparison, window: Window, recorder: Recorder, progress: RunProgress
    ) -> None:
        """Judge what one book lacks with all that Stripe has of it, and have payments read that the ledger lacks."""
        unmatched: list[UnmatchedRow] = []
        unrecorded = list(compared.unrecorded)
        for done, candidate in enumerate(compared.doubtful):
            progress("looking", done, len(compared.doubtful))
            findings = await self._classify_again(candidate, window)
            owner = await self._owner_of(findings)
            if owner is not None and await is_foreign(self._pool, owner):
                findings = await self._without_foreign(candidate, findings, compared, window, recorder)
            compared.found.update(each.difference.kind.value for each in findings)
            await recorder.observe(findings)
            unmatched += _unmatched_rows(findings, owner)
            unrecorded += _lacking_rows(findings)
        await self._backfill(run, unmatched, unrecorded)

    async def _owner_of(self, findings: Sequence[Finding]) -> Owner | None:
        """Return whose payment it is of which the ledger lacks a row, if it does."""
        of_payments = [each.difference for each in findings if is_of_payment(each.difference)]
        return await self._statement.owner_of(of_payments[0].source_id) if of_payments else None

    async def _without_foreign(
        self,
        candidate: Candidate,
        findings: Sequence[Finding],
        compared: Comparison,
        window: Window,
        recorder: Recorder,
    ) -> Sequence[Finding]:
        """Count the rows of another system's payment apart, and return what else was found."""
        theirs = [each.difference for each in findings if is_of_payment(each.difference)]
        categories = {each.category for each in theirs}
        compared.foreign += (
            ForeignRow(row.currency, row.amount, row.fee)
            for row in candidate.stripe
            if row.category in categories and window.holds(row.created)
        )
        await recorder.resolve_foreign([each.discrepancy_id for each in theirs])
        return [each for each in findings if not is_of_payment(each.difference)]

    async def _backfill(self, run: RunRef, unmatched: Sequence[UnmatchedRow], unrecorded: Sequence[Difference]) -> None:
        if unmatched:
            await backfill(self._pool, run, unmatched)
        if unrecorded:
            await record_rows(self._pool, self._statement, run, unrecorded)

    async def _classify_again(self, candidate: Candidate, window: Window) -> Sequence[Finding]:
        if not any(each.difference.lacks_rows_of_stripe for each in candidate.findings):
            return candidate.findings
        rows = {row.transaction_id: row for row in candidate.stripe}
        rows |= {row.transaction_id: row for row in await self._statement.rows_of(candidate.source_id)}
        return classify(rows.values(), candidate.ledger, window)

    async def _recheck_unresolved(
        self, run: RunRef, staged: Staging, recorder: Recorder, progress: RunProgress
    ) -> None:
        """Look at what is unresolved of other days: it may be gone, or wants to be healed once more."""
        unmatched: list[UnmatchedRow] = []
        unrecorded: list[Difference] = []
        unresolved = await recorder.unresolved_of_other_days(since=staged.begun_at, limit=self._rules.lookups)
        for done, each in enumerate(unresolved):
            progress("looking", done, len(unresolved))
            findings = await self._findings_of(each)
            if findings is None:
                await recorder.leave(each.discrepancy_id)
                continue
            owner = await self._owner_of(findings)
            if owner is not None and await is_foreign(self._pool, owner):
                await recorder.resolve_foreign([each.discrepancy_id])
                continue
            await recorder.observe(findings)
            if not is_still_there(each, findings):
                kinds = ", ".join(sorted({finding.difference.kind.value for finding in findings}))
                reason = f"It is another difference now: {kinds}." if kinds else "Both books agree."
                await recorder.resolve({each.discrepancy_id: reason})
            unmatched += _unmatched_rows(findings, owner)
            unrecorded += _lacking_rows(findings)
        await self._backfill(run, unmatched, unrecorded)

    async def _findings_of(self, unresolved: Unresolved) -> list[Finding] | None:
        """Return what differs now in what a discrepancy is about, on whatever day; None: Stripe does not show it.

        Stripe takes no row back. When it had some of this, and now gives none, it is the question that finds none.
        """
        window = Window.of_any_day(date=unresolved.date, cutoff=self._rules.cutoff_s, now=int(self._clock()))
        if unresolved.category == PAYOUT_ITEMS:
            payout = await self._statement.payout(unresolved.source_id)
            if payout is None:
                return None
            found = classify_payout(payout, window)
            return [] if found is None else [found]
        rows: Sequence[StripeRow] = await self._statement.rows_of(unresolved.source_id)
        if unresolved.was_at_stripe and not any(row.category == unresolved.category for row in rows):
            return None
        async with self._pool.connection() as conn:
            movements = await movements_of(conn, [unresolved.source_id])
        findings = classify(rows, movements[unresolved.source_id], window)
        return [each for each in findings if each.difference.category == unresolved.category]

    async def _complete(self, state: RunState, recorder: Recorder, compared: Comparison, payouts: int) -> RunState:
        counts = await recorder.counts()
        command = CompleteRun(
            number=state.number,
            totals=with_foreign(compared.totals, compared.foreign),
            found=dict(sorted(compared.found.items())),
            opened=counts.opened,
            resolved=counts.resolved,
            backfilled=counts.backfilled,
            payouts=payouts,
        )
        async with self._pool.connection() as conn, conn.transaction():
            decided = await command_run(conn, state.run_id, command, _ref(state).metadata)
            assert decided.state is not None
            await record_end(conn, decided.state)
        return decided.state

    @asynccontextmanager
    async def _alone(self, run_id: UUID) -> AsyncIterator[bool]:
        """Hold the advisory lock of a run: True unless somebody else has it. It ends with the process at the latest."""
        conn = await psycopg.AsyncConnection.connect(self._database_url, autocommit=True, connect_timeout=5)
        async with conn:
            cursor = await conn.execute(SQL.try_lock, {"run_id": run_id})
            row = await cursor.fetchone()
            yield row is not None and bool(row[0])


def _unmatched_rows(findings: Sequence[Finding], owner: Owner | None) -> list[UnmatchedRow]:
    """Return what of one source the ledger lacks and may get by reading its payment once more."""
    if owner is None:
        return []
    backfillable = (each.difference for each in findings if can_be_backfilled(each.difference))
    return [UnmatchedRow(discrepancy_id=each.discrepancy_id, owner=owner) for each in backfillable]


def _lacking_rows(findings: Sequence[Finding]) -> list[Difference]:
    return [each.difference for each in findings if lacks_stripes_row(each.difference)]


def _ref(state: RunState) -> RunRef:
    return RunRef(run_id=state.run_id, number=state.number, date=state.date, time_zone=state.time_zone)

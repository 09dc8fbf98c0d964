"""One run, from its start to its result.

Any number of processes may execute the same run at once, and any of them may be killed at any moment: each stages
Stripe's rows for itself, discrepancies have ids that follow from what differs, and each event is appended only at its
expected version. So there is one result. An advisory lock only saves a second process the work.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import psycopg
import structlog

from consumers.reconciliation import metrics
from consumers.reconciliation.plan import RunPlan, RunProgress, RunRules, Scope, ignore_progress
from consumers.reconciliation.run.catch_up import log_head, wait_for_ledger, wait_for_poller
from consumers.reconciliation.run.comparison import Comparer, Comparison
from consumers.reconciliation.run.lookups import Lookups
from consumers.reconciliation.run.recorder import DiscrepancyRecorder
from consumers.reconciliation.run.staging import Staging, staging
from consumers.reconciliation.run_ref import RunRef
from consumers.reconciliation.schedule.runs import SQL, record_end
from consumers.reconciliation.statement.statement import StripeStatement
from domain.ids import PayoutId, RunId
from domain.reconciliation.classify import classify_payout
from domain.reconciliation.merge import with_foreign
from domain.reconciliation.run import CompleteRun, FailRun, RunState, StartRun
from domain.reconciliation.window import Window, day_window
from event_store.reconciliation import command_run, load_run
from infra.postgres.pool import Pool
from infra.postgres.sessions import connect_session

log = structlog.get_logger(__name__)


class Reconciler:
    """Executes runs. `direct_url` is used only for the connection that holds the advisory lock."""

    def __init__(
        self,
        pool: Pool,
        statement: StripeStatement,
        rules: RunRules,
        *,
        direct_url: str,
        clock: Callable[[], float] = time.time,
        plan: RunPlan | None = None,
    ) -> None:
        """`plan`: None means that a run compares its day."""
        self._pool = pool
        self._statement = statement
        self._rules = rules
        self._direct_url = direct_url
        self._clock = clock
        self._plan = plan

    async def run(self, run_id: RunId, *, progress: RunProgress = ignore_progress) -> RunState | None:
        """Execute the requested run, unless it has ended; return its state. None: another process executes it.

        Raises whatever prevented it; `fail` then records that.
        """
        async with self._try_lock(run_id) as locked:
            if not locked:
                metrics.RUNS.labels("passed").inc()
                return None
            state = await self._start(run_id)
            if state is None or not state.is_under_way:
                return state
            begun = time.monotonic()
            completed = await self._execute(state, progress)
        metrics.RUNS.labels("completed").inc()
        metrics.RUN_SECONDS.observe(time.monotonic() - begun)
        return completed

    async def fail(self, run_id: RunId, number: int, *, reason: str, final: bool) -> None:
        """Record that an attempt had no result, unless the run has ended meanwhile."""
        async with self._pool.connection() as conn, conn.transaction():
            state = await load_run(conn, run_id)
            if state is None or state.number != number or not state.is_under_way:
                return
            command = FailRun(number=number, reason=reason, final=final)
            await command_run(conn, run_id, command, RunRef.of(state).metadata)
        metrics.RUNS.labels("failed").inc()

    async def _start(self, run_id: RunId) -> RunState | None:
        """Record the start of an attempt; one that was interrupted continues."""
        async with self._pool.connection() as conn, conn.transaction():
            state = await load_run(conn, run_id)
            if state is None:
                return None
            if not state.is_under_way:
                await record_end(conn, state)
                return state
            start = StartRun(number=state.number, head=await log_head(conn))
            decided = await command_run(conn, run_id, start, RunRef.of(state).metadata)
        return decided.state

    async def _execute(self, state: RunState, progress: RunProgress) -> RunState:
        run = RunRef.of(state)
        recorder = DiscrepancyRecorder(self._pool, run)
        plan = self._plan or self._plan_of_day(state)
        with structlog.contextvars.bound_contextvars(correlation_id=run.correlation_id):
            log.info("reconciliation_started", date=state.date.isoformat(), number=state.number, attempt=state.attempt)
            await self._wait_for_ledger(plan.scope.window, progress)
            async with staging(self._pool, run.run_id) as staged:
                compared, payouts = await self._compare(staged, plan, recorder, progress)
                if plan.can_look_up:
                    lookups = Lookups(self._pool, self._statement, self._rules, run, recorder, progress)
                    await lookups.look_up_candidates(compared, plan.scope.window)
                    await recorder.resolve_gone(staged, plan.scope.window, payouts)
                    await lookups.check_unresolved(staged, now=int(self._clock()))
            completed = await self._complete(run, recorder, compared, payouts=len(payouts))
            log.info(
                "reconciliation_completed",
                date=state.date.isoformat(),
                number=state.number,
                rows=compared.rows,
                found=dict(compared.found),
            )
        metrics.ROWS.inc(compared.rows)
        return completed

    def _plan_of_day(self, state: RunState) -> RunPlan:
        window = day_window(state.date, state.time_zone, cutoff=self._rules.cutoff_s, now=int(self._clock()))
        return RunPlan(scope=Scope(window=window))

    async def _wait_for_ledger(self, window: Window, progress: RunProgress) -> None:
        """Wait until the ledger has all of the window: Stripe's rows of it, and all events that are in the log now."""

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
        self, staged: Staging, plan: RunPlan, recorder: DiscrepancyRecorder, progress: RunProgress
    ) -> tuple[Comparison, set[PayoutId]]:
        """Compare rows, then payouts; return the comparison, and which payouts were compared."""
        window = plan.scope.window
        rows = self._statement.rows(window.first, window.last)
        await staged.fill(rows, lambda done: progress("reading", done))
        comparer = Comparer(
            self._pool,
            staged,
            plan.scope,
            lookups=self._rules.lookups if plan.can_look_up else 0,
            observe=recorder.observe,
            heartbeat=lambda done: progress("comparing", done, 2 * staged.written),
        )
        compared = await comparer.run()
        payouts = set[PayoutId]()
        async for payout in self._statement.payouts(window.start, window.end):
            payouts.add(payout.payout_id)
            progress("payouts", len(payouts))
            if (finding := classify_payout(payout, window)) is not None:
                await comparer.accept([finding])
        await comparer.flush()
        return compared, payouts

    async def _complete(
        self, run: RunRef, recorder: DiscrepancyRecorder, compared: Comparison, *, payouts: int
    ) -> RunState:
        counts = await recorder.counts()
        command = CompleteRun(
            number=run.number,
            totals=with_foreign(compared.totals, compared.foreign),
            found=dict(sorted(compared.found.items())),
            opened=counts.opened,
            resolved=counts.resolved,
            backfilled=counts.backfilled,
            payouts=payouts,
        )
        async with self._pool.connection() as conn, conn.transaction():
            decided = await command_run(conn, run.run_id, command, run.metadata)
            assert decided.state is not None
            await record_end(conn, decided.state)
        return decided.state

    @asynccontextmanager
    async def _try_lock(self, run_id: RunId) -> AsyncIterator[bool]:
        """Hold the advisory lock of a run; False when another process has it.

        It ends with the connection, but a while after that was closed: whoever asks for the run again finds it free.
        """
        conn = await connect_session(self._direct_url, user="a reconciliation")
        async with conn:
            cursor = await conn.execute(SQL.try_lock, {"run_id": run_id})
            row = await cursor.fetchone()
            is_ours = row is not None and bool(row[0])
            try:
                yield is_ours
            finally:
                if is_ours:
                    with suppress(psycopg.OperationalError):  # the connection was lost, and the lock with it
                        await conn.execute(SQL.unlock, {"run_id": run_id})

"""What finance does from the command line: compares, and lists what differs."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from psycopg.rows import dict_row
from stripe import StripeError

from consumers.reconciliation import discrepancies as record
from consumers.reconciliation.plan import RunPlan, RunProgress
from consumers.reconciliation.process import run_rules
from consumers.reconciliation.results import (
    ListedDiscrepancy,
    ListedEntry,
    Payout,
    ReconciliationRefused,
    ReconciliationResult,
    WrongDiscrepancyFilter,
)
from consumers.reconciliation.run.movements import movements_of, sources_of
from consumers.reconciliation.run.reconciler import Reconciler
from consumers.reconciliation.schedule.runs import record_end
from consumers.reconciliation.settings import ReconciliationSettings
from consumers.reconciliation.statement.api import ApiStatement
from consumers.reconciliation.statement.payout_items import payout_with_items
from consumers.reconciliation.statement.report import NotAReport, Report, ReportKind, ReportStatement
from consumers.reconciliation.statement.statement import StripeStatement
from domain.ids import BalanceSourceId, BalanceTransactionId, PayoutId, RunId
from domain.money import SignedMoney
from domain.reconciliation.run import RequestRun, RunState, run_id_of
from domain.reconciliation.values import DifferenceKind
from event_store.privacy.pools import encrypting_pool
from event_store.privacy.vault import open_vault
from event_store.reconciliation import command_run, load_run, metadata
from infra.ids import uuid7
from infra.postgres.pool import Connection, Plans, Pool
from infra.settings.loading import load_settings
from infra.settings.reconciliation import zone_named
from infra.stripe.client import stripe_client
from infra.stripe.guard.errors import NotSent
from infra.stripe.guard.settings import open_stripe_guard
from schemas.http.reconciliations import FIRST_DAY

_POLL_S = 0.5
_SHOWN = 50
_ENTRY = ("amount", "fee", "currency")
_STATUSES = ("open", "explained", "resolved")


class ReconciliationAdmin:
    """What finance does about reconciliations. Each method raises ReconciliationRefused with a text for people."""

    async def reconcile(self, day: date | None, *, actor: str, progress: RunProgress) -> ReconciliationResult:
        """Compare a day with Stripe's statement; wait if another process is already running it."""
        settings = load_settings(ReconciliationSettings)
        zone = settings.reconciliation_time_zone
        today = datetime.now(ZoneInfo(zone)).date()
        day = day or today - timedelta(days=1)
        if day > today:
            raise ReconciliationRefused(f"{day.isoformat()} has not begun in {zone}.")
        if day < FIRST_DAY:
            raise ReconciliationRefused(f"There was no Stripe on {day.isoformat()}.")
        async with _pool(settings) as pool, stripe_client(settings) as client, open_stripe_guard(settings) as guard:
            statement = ApiStatement(client, guard, timeout_s=settings.stripe_call_timeout_s)
            request = RequestRun(date=day, time_zone=zone, origin="command", actor=actor)
            return await _run(pool, settings, statement, request, progress, plan=None)

    async def reconcile_report(
        self, path: Path, *, kind: str | None, time_zone: str | None, actor: str, progress: RunProgress
    ) -> ReconciliationResult:
        """Compare a report that Stripe made with the ledger."""
        settings = load_settings(ReconciliationSettings)
        zone = time_zone or settings.reconciliation_time_zone
        try:
            zone_named(zone)
        except ValueError:
            raise ReconciliationRefused(
                f"{zone} is no time zone. Remedy: --time-zone with a name like Europe/Berlin or UTC"
            ) from None
        try:
            report = Report.read(path, time_zone=zone, kind=None if kind is None else ReportKind(kind))
        except NotAReport as error:
            raise ReconciliationRefused(str(error)) from None
        with closing(report):
            return await _run_report(settings, report, actor=actor, progress=progress)

    async def payout(self, payout_id: PayoutId) -> Payout:
        """Return a payout with the transactions that it pays."""
        settings = load_settings(ReconciliationSettings)
        async with _pool(settings) as pool, stripe_client(settings) as client, open_stripe_guard(settings) as guard:
            statement = ApiStatement(client, guard, timeout_s=settings.stripe_call_timeout_s)
            try:
                return await payout_with_items(pool, statement, payout_id)
            except (StripeError, NotSent, TimeoutError) as error:
                raise ReconciliationRefused(f"Stripe gave no answer: {type(error).__name__}: {error}") from None

    async def list_discrepancies(
        self, conn: Connection, *, statuses: Sequence[str], day: date | None, kind: str | None, limit: int
    ) -> list[ListedDiscrepancy]:
        """Return discrepancies of these statuses, the newest day first."""
        if wrong := set(statuses) - set(_STATUSES):
            raise WrongDiscrepancyFilter(
                f"There is no status {', '.join(sorted(wrong))}. There are: {', '.join(_STATUSES)}."
            )
        kinds = [each.value for each in DifferenceKind]
        if kind is not None and kind not in kinds:
            raise WrongDiscrepancyFilter(f"There is no kind {kind}. There are: {', '.join(kinds)}.")
        return await _listed(conn, statuses=statuses, days=None if day is None else (day, day), kind=kind, limit=limit)


async def _listed(
    conn: Connection,
    *,
    statuses: Sequence[str],
    days: tuple[date, date] | None,
    kind: str | None,
    limit: int,
) -> list[ListedDiscrepancy]:
    first, last = days or (None, None)
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            record.SQL.list_discrepancies,
            {"statuses": list(statuses), "first": first, "last": last, "kind": kind, "limit": limit},
        )
        return [_discrepancy(columns) async for columns in cursor]


def _discrepancy(columns: dict[str, Any]) -> ListedDiscrepancy:
    stripe, ledger = (_entry(*(columns.pop(f"{side}_{name}") for name in _ENTRY)) for side in ("stripe", "ledger"))
    return ListedDiscrepancy(**columns, stripe=stripe, ledger=ledger)


def _entry(amount: int | None, fee: int | None, currency: str | None) -> ListedEntry | None:
    if amount is None or currency is None:
        return None
    return ListedEntry(
        amount=SignedMoney(amount_cents=amount, currency=currency),
        fee=None if fee is None else SignedMoney(amount_cents=fee, currency=currency),
    )


async def _run_report(
    settings: ReconciliationSettings, report: Report, *, actor: str, progress: RunProgress
) -> ReconciliationResult:
    async with _pool(settings) as pool:

        async def ledger_payouts() -> dict[PayoutId, int]:
            async with pool.connection() as conn:
                movements = await movements_of(conn, [BalanceSourceId(each) for each in sorted(report.paid)])
            return {
                PayoutId(source_id): -sum(each.amount for each in found if each.category == "payout")
                for source_id, found in movements.items()
            }

        async def sources(
            transaction_ids: Sequence[BalanceTransactionId],
        ) -> dict[BalanceTransactionId, BalanceSourceId]:
            async with pool.connection() as conn:
                return await sources_of(conn, transaction_ids)

        zone = report.time_zone
        request = RequestRun(date=report.last_day, time_zone=zone, origin="report", actor=actor, report=report.name)
        plan = report.plan(cutoff_s=settings.reconciliation_cutoff_s, now=int(time.time()))
        statement = ReportStatement(report=report, ledger_payouts=ledger_payouts, sources_of=sources)
        result = await _run(pool, settings, statement, request, progress, plan=plan)
        return replace(result, repeated=report.repeated)


async def _run(  # noqa: PLR0917 - one call, of what the two ways have in common
    pool: Pool,
    settings: ReconciliationSettings,
    statement: StripeStatement,
    request: RequestRun,
    progress: RunProgress,
    plan: RunPlan | None,
) -> ReconciliationResult:
    """Request a run and wait for its end, whether it is executed here or by another process."""
    run_id = run_id_of(request.date, request.time_zone, request.report)
    meta = metadata(correlation_id=f"command-{uuid7()}", actor=f"operator:{request.actor}")
    async with pool.connection() as conn:
        requested = await command_run(conn, run_id, request, meta)
    reconciler = Reconciler(pool, statement, run_rules(settings), direct_url=settings.direct_url, plan=plan)

    ours = bool(requested.events) or request.report is not None  # nobody else has the file
    while (state := await _attempt(reconciler, pool, run_id, progress, final=ours)) is None:
        progress("waiting", 0)
        await asyncio.sleep(_POLL_S)
    async with pool.connection() as conn:
        if not state.is_under_way:
            await record_end(conn, state)
        first = state.date if plan is None else plan.scope.window.day_of(plan.scope.window.start)
        opened = await _listed(conn, statuses=["open"], days=(first, state.date), kind=None, limit=_SHOWN)
        unresolved = dict(await (await conn.execute(record.SQL.count_unresolved)).fetchall())
    of_the_day = opened[0].found if opened else 0
    return _result(state, opened, open_elsewhere=unresolved.get("open", 0) - of_the_day)


async def _attempt(
    reconciler: Reconciler, pool: Pool, run_id: RunId, progress: RunProgress, *, final: bool
) -> RunState | None:
    """Execute it here; None while another process does. A failure ends it, unless others requested it too."""
    try:
        return await reconciler.run(run_id, progress=progress)
    except Exception as error:
        async with pool.connection() as conn:
            state = await load_run(conn, run_id)
        if state is None or not state.is_under_way:
            raise
        reason = f"{type(error).__name__}: {error}"
        await reconciler.fail(run_id, state.number, reason=reason, final=final)
        async with pool.connection() as conn:
            return await load_run(conn, run_id)


def _result(state: RunState, opened: Sequence[ListedDiscrepancy], *, open_elsewhere: int) -> ReconciliationResult:
    completed = state.completed
    return ReconciliationResult(
        reconciliation_id=state.run_id,
        number=state.number,
        date=state.date,
        time_zone=state.time_zone,
        report=state.report,
        failure=None if completed else state.failure,
        totals=completed.totals if completed else (),
        found=dict(completed.found) if completed else {},
        opened=completed.opened if completed else 0,
        resolved=completed.resolved if completed else 0,
        backfilled=completed.backfilled if completed else 0,
        payouts=completed.payouts if completed else 0,
        open=opened,
        open_elsewhere=open_elsewhere,
    )


@asynccontextmanager
async def _pool(settings: ReconciliationSettings) -> AsyncIterator[Pool]:
    async with open_vault(settings, "reconcile") as vault:
        pool = encrypting_pool(settings, vault, name="reconcile", size=4, plans=Plans.AT_EACH_CALL)
        await pool.open()
        try:
            yield pool
        finally:
            await pool.close()

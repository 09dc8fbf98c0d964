"""Stripe's reports through the same comparison."""

from pathlib import Path

import pytest

from consumers.reconciliation.run.reconciler import Reconciler
from consumers.reconciliation.statement.report import Report, ReportStatement
from domain.ids import BalanceSourceId, PayoutId
from domain.reconciliation.rows import Movement
from domain.reconciliation.run import RequestRun, RunState, run_id_of
from event_store.reconciliation import command_run, metadata
from tests.integration.consumers.reconciliation.reconciliation_run import CUTOFF_S, WINDOW, Harness
from tests.unit.consumers.reconciliation.statement.test_report import ACTIVITY, PAYOUTS, knowing, written

pytestmark = pytest.mark.integration

NOON = WINDOW.start + 12 * 3600


async def run(harness: Harness, file: Path, ledger_payouts: dict[PayoutId, int]) -> RunState:
    report = Report.read(file, time_zone="UTC")
    request = RequestRun(date=report.last_day, time_zone="UTC", origin="report", actor="test", report=report.name)
    run_id = run_id_of(request.date, request.time_zone, request.report)
    async with harness.pool.connection() as conn:
        await command_run(conn, run_id, request, metadata(correlation_id="c", actor="test"))
    reconciler = Reconciler(
        harness.pool,
        ReportStatement(report=report, ledger_payouts=knowing(ledger_payouts)),
        harness.rules,
        direct_url=harness.database.url("app"),
        clock=lambda: harness.now,
        plan=report.plan(cutoff_s=CUTOFF_S, now=int(harness.now)),
    )
    state = await reconciler.run(run_id)
    assert state is not None
    return state


async def differences(harness: Harness) -> list[tuple[str, str, str]]:
    return [(row["kind"], row["source_id"], str(row["category"])) for row in await harness.discrepancies()]


async def test_what_an_activity_report_and_the_ledger_disagree_on_is_found(harness: Harness, tmp_path: Path) -> None:
    text = ACTIVITY + (
        "txn_1,2026-03-10 00:00:00,,,usd,10.00,0.59,9.41,charge,ch_1,,,\n"
        "txn_2,2026-03-10 12:00:00,,,jpy,1000,59,941,charge,ch_2,,,\n"
        "txn_3,2026-03-10 13:00:00,,,kwd,10.000,0.590,9.410,charge,ch_3,,,\n"
        "txn_4,2026-03-10 23:59:59,,,usd,-1.00,0.00,-1.00,fee,,,,\n"
    )
    await harness.ledger.write(
        [
            Movement(BalanceSourceId("ch_1"), "charge", "USD", 1000, 59, WINDOW.start),
            Movement(BalanceSourceId("ch_2"), "charge", "JPY", 999, 59, NOON),
            Movement(BalanceSourceId("ch_here"), "charge", "USD", 5, 0, NOON),
            Movement(BalanceSourceId("ch_at_the_edge"), "charge", "USD", 5, 0, WINDOW.end - 60),
            Movement(BalanceSourceId("po_1"), "payout", "USD", -941, 0, NOON),
            Movement(BalanceSourceId("txn_4"), "fee", "USD", -100, 0, WINDOW.end - 1),
        ]
    )
    state = await run(harness, written(tmp_path, text), {})
    assert await differences(harness) == [
        ("amount", "ch_2", "charge"),
        ("missing_at_stripe", "ch_here", "charge"),
        ("missing_here", "ch_3", "charge"),
    ], "of the day's edge it says nothing, nor of payouts"
    assert state.completed is not None
    assert [each.currency for each in state.completed.totals] == ["JPY", "KWD", "USD"]
    again = await run(harness, written(tmp_path, text), {})
    assert (again.run_id, again.number) == (state.run_id, 2)
    assert (await harness.events())["discrepancy.opened"] == 3


async def test_a_payout_report_says_what_payouts_pay_and_nothing_of_other_rows(
    harness: Harness, tmp_path: Path
) -> None:
    text = PAYOUTS + (
        "po_1,,txn_1,2026-03-08 10:00:00,,usd,10.00,0.59,9.41,charge,ch_1\n"
        "po_1,,txn_2,2026-03-10 10:00:00,,usd,-5.00,0.00,-5.00,refund,re_1\n"
        "po_2,,txn_3,2026-03-10 10:00:00,,jpy,1000,59,941,charge,ch_2\n"
    )
    await harness.ledger.write(
        [
            Movement(BalanceSourceId("ch_1"), "charge", "USD", 1000, 59, NOON - 2 * 86_400 - 7200),
            Movement(BalanceSourceId("re_1"), "refund", "USD", -500, 0, NOON - 7200),
            Movement(BalanceSourceId("ch_2"), "charge", "JPY", 1000, 59, NOON - 7200),
            Movement(BalanceSourceId("ch_not_in_a_payout_yet"), "charge", "JPY", 1000, 59, NOON - 7200),
        ]
    )
    state = await run(harness, written(tmp_path, text, "payouts.csv"), {PayoutId("po_1"): 441, PayoutId("po_2"): 900})
    assert await differences(harness) == [("amount", "po_2", "payout_items")]
    assert state.completed is not None
    assert state.completed.payouts == 2

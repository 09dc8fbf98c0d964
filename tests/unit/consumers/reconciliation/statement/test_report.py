"""Stripe's CSV reports as statements: amounts without floats, times with their zone, what follows from a file."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from consumers.reconciliation.statement.report import NotAReport, Report, ReportKind, ReportStatement
from domain.ids import PayoutId
from domain.reconciliation.rows import StripeRow

ACTIVITY = (
    "balance_transaction_id,created_utc,created,available_on_utc,currency,gross,fee,net,reporting_category,source_id,"
    "description,customer_facing_amount,automatic_payout_id\n"
)
PAYOUTS = (
    "automatic_payout_id,automatic_payout_effective_at_utc,balance_transaction_id,created_utc,available_on_utc,currency,"
    "gross,fee,net,reporting_category,source_id\n"
)
ROWS = (
    "txn_1,2026-03-10 00:00:01,2026-03-10 01:00:01,,usd,10.00,0.59,9.41,charge,ch_1,Tea,10.00,po_1\n"
    "txn_2,2026-03-10 12:00:00,2026-03-10 13:00:00,,jpy,1000,59,941,charge,ch_2,,1000,\n"
    "txn_3,2026-03-10 23:59:59,2026-03-11 00:59:59,,kwd,10.000,0.590,9.410,charge,ch_3,,,\n"
    "txn_4,2026-03-10 13:00:00,2026-03-10 14:00:00,,isk,-100.00,0,-100.00,refund,re_1,,,\n"
    "txn_5,2026-03-10 14:00:00,2026-03-10 15:00:00,,usd,-2.00,0.00,-2.00,fee,,Billing,,\n"
)


def written(path: Path, text: str, name: str = "activity.csv") -> Path:
    file = path / name
    file.write_text(text, "utf-8")
    return file


def read(path: Path, text: str, **options: str) -> Report:
    return Report.read(written(path, text), time_zone=options.get("time_zone", "UTC"))


def knowing(ledger_payouts: Mapping[PayoutId, int]) -> Callable[[], Awaitable[Mapping[PayoutId, int]]]:
    """Return what tells the amounts of payouts."""

    async def payouts() -> Mapping[PayoutId, int]:
        return ledger_payouts

    return payouts


async def rows_of(report: Report) -> list[StripeRow]:
    statement = ReportStatement(report=report, ledger_payouts=knowing({}))
    return [row async for page in statement.rows(report.first, report.last + 1) for row in page]


async def test_amounts_become_whole_numbers_as_stripe_counts_them(tmp_path: Path) -> None:
    report = read(tmp_path, ACTIVITY + ROWS)
    assert report.kind is ReportKind.ACTIVITY
    assert [(row.source_id, row.amount, row.fee, row.currency) for row in await rows_of(report)] == [
        ("ch_1", 1000, 59, "USD"),
        ("ch_2", 1000, 59, "JPY"),
        ("ch_3", 10000, 590, "KWD"),
        ("re_1", -10000, 0, "ISK"),
        ("txn_5", -200, 0, "USD"),
    ]


def test_its_days_are_those_of_its_rows(tmp_path: Path) -> None:
    report = read(tmp_path, ACTIVITY + ROWS)
    assert (report.last - report.first, report.rows_in_all) == (86_398, 5)
    assert report.last_day.isoformat() == "2026-03-10"
    plan = report.plan(cutoff_s=7200, now=0)
    assert plan.scope.without == ("payout", "payout_reversal")
    assert not plan.scope.staged_sources_only
    assert not plan.can_look_up


def test_a_created_column_is_of_its_time_zone(tmp_path: Path) -> None:
    local = ACTIVITY.replace("created_utc,", "")
    text = local + "txn_1,2026-03-10 01:00:01,,usd,10.00,0.59,9.41,charge,ch_1,Tea,10.00,po_1\n"
    assert read(tmp_path, text, time_zone="Europe/Berlin").first == read(tmp_path, ACTIVITY + ROWS).first


async def test_a_payout_report_adds_up_what_each_payout_pays(tmp_path: Path) -> None:
    text = PAYOUTS + (
        "po_1,,txn_1,2026-03-08 10:00:00,,usd,10.00,0.59,9.41,charge,ch_1\n"
        "po_1,,txn_2,2026-03-09 10:00:00,,usd,-5.00,0.00,-5.00,refund,re_1\n"
        "po_2,,txn_3,2026-03-09 10:00:00,,jpy,1000,59,941,charge,ch_2\n"
    )
    report = read(tmp_path, text)
    assert report.kind is ReportKind.PAYOUTS
    assert report.plan(cutoff_s=1, now=0).scope.staged_sources_only
    statement = ReportStatement(report=report, ledger_payouts=knowing({PayoutId("po_1"): 441}))
    sums = [payout async for payout in statement.payouts(0, 0)]
    assert [
        (each.payout_id, each.amount.amount_cents, each.items, each.items_net.amount_cents, each.amount.currency)
        for each in sums
    ] == [
        ("po_1", 441, 2, 441, "USD"),
        ("po_2", 0, 1, 941, "JPY"),
    ]


async def test_a_payout_report_adds_up_what_other_payouts_did(tmp_path: Path) -> None:
    text = PAYOUTS + (
        "po_2,,txn_1,2026-03-08 10:00:00,,usd,10.00,0.59,9.41,charge,ch_1\n"
        "po_2,,txn_2,2026-03-09 10:00:00,,usd,5.00,0.00,5.00,payout_reversal,po_1\n"
        "po_2,,txn_3,2026-03-09 10:00:00,,usd,3.00,0.00,3.00,payout_reversal,\n"
        "po_2,,txn_4,2026-03-09 11:00:00,,usd,-2.00,0.02,-2.02,payout,po_instant\n"
        "po_2,,txn_5,2026-03-09 12:00:00,,usd,-15.39,0.00,-15.39,payout,po_2\n"
        "po_2,,txn_6,2026-03-09 12:00:00,,usd,-15.39,0.00,-15.39,payout,\n"
        "po_2,,txn_7,2026-03-10 12:00:00,,usd,15.39,0.00,15.39,payout_reversal,po_2\n"
    )
    assert read(tmp_path, text).paid == {PayoutId("po_2"): ("USD", 4, 941 + 500 + 300 - 202)}


def test_the_same_file_is_the_same_report_and_another_of_its_name_is_not(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    first = read(tmp_path, ACTIVITY + ROWS)
    assert read(tmp_path / "again", ACTIVITY + ROWS).name == first.name
    assert read(tmp_path / "again", ACTIVITY + ROWS.replace("Tea", "Coffee")).name != first.name


def test_a_decimal_comma_is_understood(tmp_path: Path) -> None:
    text = ACTIVITY + 'txn_1,2026-03-10 00:00:01,,,eur,"10,00","0,59","9,41",charge,ch_1,,,\n'
    (row, _, net), *_ = read(tmp_path, text).records()
    assert (row.amount, row.fee, net) == (1000, 59, 941)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("id,Amount,Fee\n", "it lacks the columns"),
        (ACTIVITY, "has no rows"),
        (
            ACTIVITY + "txn_1,2026-03-10 00:00:01,,,usd,10.001,0,10.001,charge,ch_1,,,\n",
            r"line 2, column 6 \(gross\): 10.001 is no amount of USD",
        ),
        (ACTIVITY + "txn_1,2026-03-10 00:00:01,,,jpy,10.50,0,10.50,charge,ch_1,,,\n", "10.50 is no amount of JPY"),
        (ACTIVITY + "txn_1,2026-03-10 00:00:01,,,usd,10.00,0.59,10.00,charge,ch_1,,,\n", "net is not gross less fee"),
        (ACTIVITY + "txn_1,yesterday,,,usd,10.00,0.59,9.41,charge,ch_1,,,\n", "line 2"),
        (ACTIVITY + "txn_1,2026-03-10 00:00:01,,,usd,ten,0.59,9.41,charge,ch_1,,,\n", "line 2"),
    ],
)
def test_a_file_that_is_no_report_is_refused_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(NotAReport, match=reason):
        read(tmp_path, text)

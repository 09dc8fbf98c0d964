"""The whole system against the sandbox: each planted difference is found once, and what can be backfilled is."""

import asyncio
import csv
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
import pytest_asyncio

from tests.support.finance_steps import (
    at_stripe,
    discrepancies,
    fault,
    in_the_ledger,
    paid,
    panel,
    paystream,
    reconciled,
    rows,
)
from tests.support.system import Json, System, running_system
from tests.support.waiting import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.broker, pytest.mark.timeout(600), pytest.mark.own_system]

# Where it is noon: midnight does not come between. Etc/GMT+3 is three hours behind UTC.
ZONE = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"
SETTINGS = {
    "RECONCILIATION_CUTOFF_MS": "1000",
    "RECONCILIATION_TIME_ZONE": ZONE,
    "BALANCE_POLL_INTERVAL_MS": "300",
}


@pytest_asyncio.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    async with running_system(tmp_path, settings=SETTINGS) as lent:
        yield lent


async def test_one_of_each_is_planted_and_exactly_those_are_found(system: System) -> None:
    for currency in ("USD", "JPY", "KWD"):
        await paid(system, currency=currency, amount_cents=5000)
    await fault(system, "hide_row", "charge")
    missing_at_stripe = await paid(system)
    await fault(system, "double_row", "charge")
    double = await paid(system, currency="KWD", amount_cents=10_000)
    await fault(system, "wrong_amount", "charge", amount=-7)
    wrong_amount = await paid(system, currency="JPY")
    wrong_currency = await paid(system)
    wrong_fee, refunded, failing = await paid(system), await paid(system), await paid(system)
    await in_the_ledger(system, wrong_fee)
    (row,) = await rows(system, wrong_fee)
    await panel(system, f"balance_transactions/{row['id']}", fee=row["fee"] + 1)
    (other,) = await rows(system, wrong_currency)
    await panel(system, f"balance_transactions/{other['id']}", currency="eur")
    await panel(system, "balance_transactions", account=row["account"], source="ch_of_nobody", amount=123)
    # Refunds that are made in Stripe's dashboard: no webhook tells of the first, nor that the second failed.
    refund = await at_stripe(system, "/v1/refunds", charge=failing, amount="100")
    await in_the_ledger(system, refund["id"], fee=False)
    await panel(system, "faults", effect="lose", type="*")
    lost = await at_stripe(system, "/v1/refunds", charge=refunded, amount="100")
    await panel(system, f"refunds/{refund['id']}/settle", status="failed")
    await asyncio.sleep(2.5)  # beyond the cut-off, and what the poller may lag

    day = datetime.fromtimestamp(row["created"], ZoneInfo(ZONE)).date().isoformat()
    run = await reconciled(system, day)
    stays = {
        ("amount", wrong_amount),
        ("currency", wrong_currency),
        ("duplicate", double),
        ("fee", wrong_fee),
        ("missing_at_stripe", missing_at_stripe),
        ("missing_here", "ch_of_nobody"),
    }
    backfilled = {("missing_here", lost["id"]), ("status", refund["id"])}
    assert await discrepancies(system) == Counter(stays | backfilled)
    assert run["found"] == {
        "amount": 1,
        "currency": 1,
        "duplicate": 1,
        "fee": 1,
        "missing_at_stripe": 1,
        "missing_here": 2,
        "status": 1,
    }
    assert (run["opened"], run["resolved"], run["backfilled"]) == (8, 0, 2)
    assert {each["currency"] for each in run["totals"]} == {"EUR", "USD", "JPY", "KWD"}

    await in_the_ledger(system, lost["id"], fee=False)
    await eventually(
        lambda: backfilled_by(system, run["id"]),
        lambda types: types >= {"payment.refund_found", "payment.refund_failed"},
    )
    again = await reconciled(system, day, number=run["number"] + 1)
    assert await discrepancies(system, status="unresolved") == Counter(stays)
    assert await discrepancies(system, status="resolved") == Counter(backfilled)
    assert (again["opened"], again["resolved"]) == (0, 2)
    assert await discrepancies(system, kind="fee", source_id=wrong_fee, date_from=day) == Counter([("fee", wrong_fee)])

    await by_command(system, day, stays)


async def backfilled_by(system: System, run_id: str) -> set[str]:
    """Return the types of events of payments that are marked as completed because of a run."""
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as conn:
        cursor = await conn.execute(
            "SELECT type FROM event_store.events WHERE category = 'payment'"
            " AND metadata->>'actor' = 'reconciliation' AND metadata->>'correlation_id' LIKE %s",
            (f"reconciliation-{run_id}-%",),
        )
        return {row[0] for row in await cursor.fetchall()}


async def by_command(system: System, day: str, expected: set[tuple[str, str]]) -> None:
    """Reconcile from the command line, explain and resolve what is open, and look again."""
    code, out = await paystream(system, "reconcile", "--date", day, "--actor", "ana")
    assert code == 1, out
    for kind, source_id in expected:
        assert kind in out
        assert source_id in out
    assert "KWD" in out
    found = (await system.query.get("/discrepancies", params={"status": "open", "limit": "100"})).json()["data"]
    for each in found:
        code, out = await paystream(
            system, "discrepancies", "explain", each["id"], "--reason", "planted", "--actor", "ana"
        )
        assert (code, out.strip()) == (0, "It is explained.")
    code, out = await paystream(system, "reconcile", "--date", day)
    assert code == 0, out
    assert "Nothing is open." in out
    code, out = await paystream(system, "discrepancies", "list", "--status", "explained")
    assert code == 0
    assert out.count("ana: planted") == len(expected)
    await eventually(lambda: discrepancies(system, status="explained"), lambda seen: seen == Counter(expected))
    code, out = await paystream(
        system, "discrepancies", "resolve", found[0]["id"], "--reason", "corrected", "--actor", "ana"
    )
    assert (code, out.strip()) == (0, "It is resolved. A run that finds it again opens it again.")
    code, out = await paystream(system, "reconcile", "--date", day)
    assert code == 1, "it is there still"


async def test_payouts_are_compared_with_what_they_pay(system: System, tmp_path: Path) -> None:
    charges = [await paid(system, payment_method="pm_card_bypassPending", currency="JPY") for _ in range(3)]
    for charge in charges:
        await in_the_ledger(system, charge)
    (payout,) = await panel(system, "payouts/run")
    await panel(system, f"payouts/{payout['id']}/settle", status="paid")
    await in_the_ledger(system, payout["id"])
    await asyncio.sleep(2.5)  # as above: the cut-off is an age at Stripe, whose clock is the real one
    day = datetime.fromtimestamp(payout["created"], ZoneInfo(ZONE)).date().isoformat()
    run = await reconciled(system, day)
    assert (run["payouts"], run["found"]) == (1, {})
    assert [(each["stripe_amount"], each["ledger_amount"]) for each in run["totals"]] == [(177, 177)]

    code, out = await paystream(system, "reconcile", "--report", str(await activity_report(system, tmp_path)))
    assert code == 0, out
    code, out = await paystream(system, "reconcile", "--report", str(await payout_report(system, tmp_path)))
    assert code == 0, out
    assert "Payouts compared with what they pay: 1" in out

    table = tmp_path / "paid.csv"
    code, out = await paystream(system, "payouts", "show", payout["id"], "--output", str(table))
    assert code == 0, out
    assert "3 transactions" in out
    assert all(charge in out for charge in charges)
    with table.open(encoding="utf-8") as file:
        items = list(csv.DictReader(file))
    assert {each["source_id"] for each in items} == set(charges)
    assert sum(int(each["stripe_net"]) for each in items) == payout["amount"]
    assert all(each["ledger_net"] == each["stripe_net"] and each["payment_id"] for each in items)

    (row,) = await rows(system, charges[0])
    await panel(system, f"balance_transactions/{row['id']}", amount=row["amount"] - 1)
    code, out = await paystream(system, "payouts", "show", payout["id"])
    assert code == 1
    assert "They differ." in out
    assert (await paystream(system, "payouts", "show", "po_unknown"))[0] == 1
    run = await reconciled(system, day, number=2)
    assert await discrepancies(system) == Counter([("amount", charges[0]), ("amount", payout["id"])])
    code, out = await paystream(system, "reconcile", "--report", str(await payout_report(system, tmp_path)))
    assert code == 1
    assert "payout_items" in out


async def activity_report(system: System, folder: Path) -> Path:
    """Write what Stripe's report of the balance's change from activity would have."""
    header = "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id"
    found = (await system.sandbox.get("/_sandbox/balance_transactions")).json()
    lines = [",".join(_columns(each)) for each in found if each["reporting_category"] != "payout"]
    return _written(folder / "activity.csv", [header, *lines])


async def payout_report(system: System, folder: Path) -> Path:
    """Write what Stripe's report of payout reconciliation has by default: it does not say what a row is of."""
    header = "automatic_payout_id,balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category"
    found = (await system.sandbox.get("/_sandbox/balance_transactions")).json()
    payout_items = [each for each in found if each["payout"] and each["reporting_category"] != "payout"]
    return _written(
        folder / "payouts.csv", [header, *(",".join([each["payout"], *_columns(each)[:-1]]) for each in payout_items)]
    )


def _columns(row: Json) -> list[str]:
    created = datetime.fromtimestamp(row["created"], UTC).strftime("%Y-%m-%d %H:%M:%S")
    assert row["currency"] == "jpy", "it has no minor unit"
    amounts = [str(row[name]) for name in ("amount", "fee", "net")]
    return [row["id"], created, row["currency"], *amounts, row["reporting_category"], row["source"]]


def _written(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path

"""`paystream reconcile` beside the worker: whose run it is, and what becomes of it."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from consumers.balance.record import record_transactions
from consumers.reconciliation.admin import ReconciliationAdmin
from consumers.reconciliation.results import ReconciliationRefused, ReconciliationResult
from domain.ids import BalanceSourceId, BalanceTransactionId
from domain.reconciliation.rows import Movement
from domain.reconciliation.run import RunStatus, run_id_of
from tests.integration.consumers.reconciliation.reconciliation_run import DAY, WINDOW, Harness
from tests.unit.consumers.reconciliation.statement.report_cases import GOOD, PAID

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def settings(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DATABASE_URL": harness.database.url("app"),
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "STRIPE_SECRET_KEY": "sk_test_nobody_asks",
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "STRIPE_API_BASE": "http://127.0.0.1:9",
        "RECONCILIATION_LEDGER_WAIT_MS": "100",
    }.items():
        monkeypatch.setenv(name, value)


async def reconcile() -> str | None:
    """Fail, as the rows of the day are not read; return the reason."""
    result = await ReconciliationAdmin().reconcile(DAY, actor="ana", progress=lambda *_: None)
    return result.failure


async def test_a_run_that_it_asked_for_itself_ends_with_its_failure(harness: Harness) -> None:
    await harness.query("UPDATE consumers.balance_cursors SET completed_at = NULL")
    reason = await reconcile()
    assert reason is not None
    assert "Is the worker stripe-balance running?" in reason
    state = await harness.state(run_id_of(DAY, "UTC"))
    assert state is not None
    assert state.status is RunStatus.FAILED


async def test_a_run_of_others_is_left_to_them_when_it_fails_here(harness: Harness) -> None:
    await harness.query("UPDATE consumers.balance_cursors SET completed_at = NULL")
    run_id = await harness.request()
    assert await reconcile() is not None
    state = await harness.state(run_id)
    assert state is not None
    assert state.status is RunStatus.RETRYING, "the worker tries it again"
    assert [row["status"] for row in await harness.query("SELECT status FROM reconciliation.runs")] == ["due"]


def row_at_stripe(transaction_id: str, source: str, category: str, amount: int, fee: int) -> dict[str, Any]:
    amounts = {"amount": amount, "fee": fee, "net": amount - fee, "currency": "usd"}
    times = {"created": WINDOW.start + 9 * 3600, "available_on": WINDOW.end}
    return {
        "id": transaction_id, "type": category, "reporting_category": category, "source": source, **amounts, **times
    }  # fmt: skip


async def reconciled(file: Path, *, time_zone: str | None = None) -> ReconciliationResult:
    tool = ReconciliationAdmin()
    return await tool.reconcile_report(file, kind=None, time_zone=time_zone, actor="ana", progress=lambda *_: None)


@pytest.mark.parametrize("text", [GOOD, PAID], ids=["activity", "payouts"])
async def test_rows_without_a_source_are_matched_by_their_transaction(
    harness: Harness, tmp_path: Path, text: str
) -> None:
    at = WINDOW.start + 9 * 3600
    rows = [
        row_at_stripe("txn_1", "ch_1", "charge", 123_456, 3_510),
        row_at_stripe("txn_2", "re_1", "refund", -500, 0),
    ]
    async with harness.pool.connection() as conn, conn.transaction():
        assert await record_transactions(conn, rows, correlation_id="test") == 2
    await harness.query(
        "INSERT INTO consumers.consumer_checkpoints (consumer, topic, partition, position)"
        " SELECT 'projection:ledger', 'paystream.stripe-balance', number, 1000 FROM generate_series(0, 11) AS number"
    )
    await harness.ledger.write(
        [
            Movement(
                BalanceSourceId("ch_1"),
                "charge",
                "USD",
                123_456,
                3_510,
                at,
                transaction_id=BalanceTransactionId("txn_1"),
            ),
            Movement(
                BalanceSourceId("re_1"), "refund", "USD", -500, 0, at, transaction_id=BalanceTransactionId("txn_2")
            ),
            Movement(BalanceSourceId("po_1"), "payout", "USD", -119_446, 0, at),
        ]
    )
    file = tmp_path / "report.csv"
    file.write_text(text, "utf-8")
    result = await reconciled(file)
    assert (result.failure, result.found) == (None, {})
    assert [each.stripe_rows for each in result.totals] == [2]
    assert result.repeated == 0
    file.write_text(text + text, "utf-8")
    pasted = await reconciled(file)
    assert (pasted.failure, pasted.found, pasted.repeated) == (None, {}, 2)
    assert pasted.totals == result.totals


@pytest.mark.parametrize("time_zone", ["../x", "Mars", "Europe", "/etc/passwd", "a\0b"])
async def test_a_time_zone_that_there_is_not_is_refused_in_words(time_zone: str, tmp_path: Path) -> None:
    with pytest.raises(ReconciliationRefused, match=r"is no time zone\. Remedy: --time-zone with a name like"):
        await reconciled(tmp_path / "report.csv", time_zone=time_zone)


async def test_a_kind_of_difference_that_there_is_not_is_refused(harness: Harness) -> None:
    """An empty list would say that there is none."""
    async with await psycopg.AsyncConnection.connect(harness.database.url("app")) as conn:
        with pytest.raises(ReconciliationRefused, match=r"no kind missing. There are: missing_at_stripe, missing_here"):
            await ReconciliationAdmin().list_discrepancies(conn, statuses=["open"], day=None, kind="missing", limit=1)


async def test_of_a_file_that_is_refused_nothing_is_recorded(harness: Harness, tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    file.write_text(GOOD + "txn_3,", "utf-8")
    with pytest.raises(ReconciliationRefused, match="line 4, column 2"):
        await reconciled(file)
    assert await harness.events() == {}
    assert await harness.query("SELECT * FROM reconciliation.stagings") == []

"""`paystream reconcile` beside the worker: whose run it is, and what becomes of it."""

import pytest

from consumers.reconciliation.desk import ReconciliationTool
from domain.reconciliation import RunStatus, run_id_of
from tests.integration.consumers.reconciliation.reconciliation_run import DAY, Desk

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def settings(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DATABASE_URL": desk.database.url("app"),
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "STRIPE_SECRET_KEY": "sk_test_nobody_asks",
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "STRIPE_API_BASE": "http://127.0.0.1:9",
        "RECONCILIATION_LEDGER_WAIT_MS": "100",
    }.items():
        monkeypatch.setenv(name, value)


async def reconcile() -> str | None:
    """Fail, as the rows of the day are not read; return the reason."""
    result = await ReconciliationTool().reconcile(DAY, who="ana", told=lambda *_: None)
    return result.failure


async def test_a_run_that_it_asked_for_itself_ends_with_its_failure(desk: Desk) -> None:
    await desk.query("UPDATE consumers.balance_cursors SET completed_at = NULL")
    reason = await reconcile()
    assert reason is not None
    assert "Is the worker stripe-balance running?" in reason
    state = await desk.state(run_id_of(DAY, "UTC"))
    assert state is not None
    assert state.status is RunStatus.FAILED


async def test_a_run_of_others_is_left_to_them_when_it_fails_here(desk: Desk) -> None:
    await desk.query("UPDATE consumers.balance_cursors SET completed_at = NULL")
    run_id = await desk.request()
    assert await reconcile() is not None
    state = await desk.state(run_id)
    assert state is not None
    assert state.status is RunStatus.RETRYING, "the worker tries it again"
    assert [row["status"] for row in await desk.query("SELECT status FROM reconciliation.runs")] == ["due"]

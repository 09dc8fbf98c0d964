"""The day that an older release reconciled comes out the same."""

from datetime import datetime
from pathlib import Path

import httpx
import pytest

from consumers.reconciliation.reconciler import Reconciler, RunRules
from consumers.reconciliation.runs import want
from consumers.reconciliation.stripe_books import StripeApiBooks
from domain.reconciliation import ReconciliationRequested, RequestRun, run_id_of
from event_store.reconciliation import command_run, metadata
from event_store.store import Connection
from infra.postgres import Pool
from tests.integration.consumers.gateway.gateway_without_kafka import a_guard
from tests.integration.upgrade.answers import lost, read_everything
from tests.integration.upgrade.fixture_files import Fixture
from tests.integration.upgrade.restored import sandbox_left_by
from tests.integration.upgrade.story import CUTOFF_S
from tests.support.database import Database
from tests.support.read_model import load_log, project_log

pytestmark = [pytest.mark.integration, pytest.mark.processes]


async def test_another_run_of_the_day_finds_the_same_and_opens_nothing(
    *,
    release: Fixture,
    database: Database,
    pool: Pool,
    app: Connection,
    projector_pool: Pool,
    query: httpx.AsyncClient,
    tmp_path: Path,
) -> None:
    before = release.manifest.reconciled
    day, zone = release.reconciled_day, before["time_zone"]
    now = datetime.fromisoformat(before["completed_at"]).timestamp()
    rules = RunRules(cutoff_s=CUTOFF_S, ledger_wait_s=10, lookups=100, partitions=release.manifest.partitions)
    run_id = run_id_of(day, zone)
    command = RequestRun(date=day, time_zone=zone, origin="api", who="test")
    async with pool.connection() as conn:
        decided = await command_run(conn, run_id, command, metadata(correlation_id="c", actor="test"))
        await want(conn, [each for each in decided.events if isinstance(each, ReconciliationRequested)])

    async with sandbox_left_by(release, tmp_path / "sandbox.db") as client:
        books = StripeApiBooks(client, a_guard(), timeout_s=10)
        await Reconciler(pool, books, rules, database_url=database.url("app"), clock=lambda: now).run(run_id)

    await project_log(projector_pool, await load_log(app), partitions=release.manifest.partitions)
    after = (await query.get(f"/reconciliations/{run_id}")).json()
    assert after["number"] == before["number"] + 1
    assert (after["status"], after["opened"], after["resolved"]) == ("completed", 0, 0)
    # Not the totals: rows of the same day came to both books after the run that was kept.
    assert after["found"] == before["found"]
    known = release.answers["/discrepancies"]
    shown = (await read_everything(query, []))["/discrepancies"]
    told = [{name: each[name] for name in ("id", "kind", "source_id", "status")} for each in known]
    assert list(lost(told, shown)) == []

"""The day that an older release reconciled comes out the same, over what its sandbox had."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from consumers.reconciliation.plan import RunRules
from consumers.reconciliation.run.reconciler import Reconciler
from consumers.reconciliation.schedule.runs import add_requested
from consumers.reconciliation.statement.api import ApiStatement
from domain.reconciliation.events import ReconciliationRequested
from domain.reconciliation.run import RequestRun, run_id_of
from event_store.reconciliation import command_run, metadata
from event_store.store import Connection
from infra.postgres.pool import Pool
from tests.integration.consumers.gateway.gateway_without_kafka import a_guard
from tests.integration.upgrade.answers import lost, read_everything
from tests.integration.upgrade.fixture_files import Fixture
from tests.integration.upgrade.restored import sandbox_left_by
from tests.integration.upgrade.story import CUTOFF_S
from tests.support.database import Database
from tests.support.read_model import load_log, project_log

pytestmark = [pytest.mark.integration, pytest.mark.slow]


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
    day, time_zone = date.fromisoformat(before["date"]), before["time_zone"]
    run_id = run_id_of(day, time_zone)
    command = RequestRun(date=day, time_zone=time_zone, origin="api", actor="test")
    async with pool.connection() as conn:
        decided = await command_run(conn, run_id, command, metadata(correlation_id="c", actor="test"))
        await add_requested(conn, [each for each in decided.events if isinstance(each, ReconciliationRequested)])

    async with sandbox_left_by(release, tmp_path / "sandbox.db") as client:
        reconciler = Reconciler(
            pool,
            ApiStatement(client, a_guard(), timeout_s=10),
            RunRules(cutoff_s=CUTOFF_S, ledger_wait_s=10, lookups=100, partitions=release.manifest.partitions),
            direct_url=database.url("app"),
            clock=datetime.fromisoformat(before["completed_at"]).timestamp,
        )
        await reconciler.run(run_id)

    await project_log(projector_pool, await load_log(app), partitions=release.manifest.partitions)
    shown = await read_everything(query, [])
    (run,) = [each for each in shown["/reconciliations"] if each["id"] == str(run_id)]
    assert (run["number"], run["status"]) == (before["number"] + 1, "completed")
    # What the payment that was undone took and gave back is in no event: each run reads that payment once more.
    assert (run["opened"], run["resolved"], run["backfilled"]) == (0, 0, before["healing"])
    assert lost({name: before[name] for name in ("found", "totals", "payouts")}, run) == []
    assert statuses(shown["/discrepancies"]) == statuses(release.answers["/discrepancies"])


def statuses(discrepancies: list[dict[str, Any]]) -> dict[tuple[str, str, str], str]:
    return {(each["id"], each["kind"], each["source_id"]): each["status"] for each in discrepancies}

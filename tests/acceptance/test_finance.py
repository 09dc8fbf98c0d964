"""What finance asks of a system that runs, beside everybody else."""

from collections import Counter
from datetime import UTC, datetime

import httpx
import psycopg
import pytest

from schemas.http.reconciliations import ReconciliationPage
from tests.support.finance_steps import discrepancies, fault, in_the_ledger, paid, panel, reconciled, rows
from tests.support.system import Json, System
from tests.support.waiting import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.broker]


async def test_the_day_before_is_reconciled_by_itself(system: System) -> None:
    async def runs() -> list[Json]:
        answer = (await system.query.get("/reconciliations")).json()
        ReconciliationPage.model_validate(answer)
        return [each for each in answer["data"] if each["origin"] == "schedule"]

    found = await eventually(runs, lambda found: bool(found) and found[0]["status"] == "completed", within=60)
    assert [(each["number"], each["totals"]) for each in found] == [(1, [])]
    async with httpx.AsyncClient(verify=False) as client:
        port = system.stack.component("worker-reconciliation").port
        metrics = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    assert "reconciliation_last_good_run_age_seconds" in metrics
    assert 'reconciliation_discrepancies_total{kind="timing"}' in metrics, "from the start: the first one is a rise"


async def test_what_stripe_books_late_is_a_matter_of_time_and_then_settled(system: System) -> None:
    await fault(system, "hide_row", "charge")
    late = await paid(system)
    await in_the_ledger(system, late, fee=False)
    (row,) = await rows(system, late)
    day = datetime.fromtimestamp(row["created"], UTC).date().isoformat()
    await reconciled(system, day)
    assert await discrepancies(system, source_id=late, status="open") == Counter([("timing", late)])

    await panel(system, f"balance_transactions/{row['id']}", shown=True)
    await in_the_ledger(system, late)
    run = await reconciled(system, day)
    assert await discrepancies(system, source_id=late) == Counter([("timing", late)])
    assert await discrepancies(system, source_id=late, status="resolved") == Counter([("timing", late)])
    assert run["resolved"] >= 1


async def test_the_ledger_agrees_with_stripe_on_a_dispute_that_is_lost_in_part(system: System) -> None:
    charge = await paid(system)
    dispute = (await panel(system, f"charges/{charge}/dispute"))["id"]
    await in_the_ledger(system, dispute)
    await panel(system, f"disputes/{dispute}/decide", status="lost", lost_amount=600)

    async def movements() -> list[tuple[int, int | None]]:
        async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as conn:
            cursor = await conn.execute(
                "SELECT amount, fee FROM ledger.stripe_movements WHERE source_id = %s ORDER BY amount", (dispute,)
            )
            return [(int(amount), fee) for amount, fee in await cursor.fetchall()]

    found = await eventually(movements, lambda found: len(found) == 2 and None not in found[1], within=30)
    withdrawn, reinstated = sorted(await rows(system, dispute), key=lambda row: int(row["amount"]))
    assert found == [(-1000, withdrawn["fee"]), (400, reinstated["fee"])]
    await reconciled(system, datetime.fromtimestamp(withdrawn["created"], UTC).date().isoformat())
    assert await discrepancies(system, source_id=dispute) == Counter()


async def test_a_run_whose_process_is_killed_is_completed_by_the_next_one(system: System) -> None:
    await paid(system)
    accepted = await system.command.post("/reconciliations", json={"date": datetime.now(UTC).date().isoformat()})
    assert accepted.status_code == 202
    system.stack.kill("worker-reconciliation")
    await system.stack.restart("worker-reconciliation")
    requested = accepted.json()
    path = f"/reconciliations/{requested['id']}"

    async def probe() -> Json:
        answer = await system.query.get(path)
        return answer.json() if answer.is_success else {"number": 0, "status": ""}

    run = await eventually(
        probe, lambda found: (found["number"], found["status"]) == (requested["number"], "completed"), within=60
    )
    assert run["failure"] is None


async def test_who_may_not_read_finance_does_not(system: System) -> None:
    async with httpx.AsyncClient(base_url=system.stack.urls.query_api, verify=False) as anonymous:
        for path in ("/reconciliations", "/discrepancies"):
            assert (await anonymous.get(path)).status_code == 401
    assert (await system.query.get("/reconciliations/none")).status_code == 404
    assert (await system.query.get("/discrepancies", params={"state": "open"})).status_code == 400

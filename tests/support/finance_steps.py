"""What finance does with the whole system, and what is done at Stripe behind its back."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import psycopg

from schemas.http.reconciliations import DiscrepancyPage
from tests.support import paystream_command
from tests.support.system import Json, System
from tests.support.waiting import eventually

STRIPE_KEY = "sk_test_paystream_sandbox"


async def panel(system: System, path: str, **body: Any) -> Any:
    answer = await system.sandbox.post(f"/_sandbox/{path}", json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def fault(system: System, effect: str, type_: str, **more: Any) -> None:
    """Have the next row or webhook of a type go wrong."""
    await panel(system, "faults", **{"effect": effect, "type": type_, "times": 1, **more})


async def paid(system: System, **fields: Any) -> str:
    """Return the charge of a new payment that succeeded."""
    created = (await system.create(wait=10, **fields)).json()
    assert created["status"] == "succeeded", created
    (charge,) = await system.charges(created["id"])
    return str(charge["id"])


async def rows(system: System, source_id: str) -> list[Json]:
    found = (await system.sandbox.get("/_sandbox/balance_transactions")).json()
    return [each for each in found if each["source"] == source_id]


async def in_the_ledger(system: System, source_id: str, *, fee: bool = True) -> None:
    """Wait until the ledger has a movement of a source, and its fee."""

    async def probe() -> bool:
        async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as conn:
            cursor = await conn.execute(
                "SELECT fee IS NOT NULL FROM ledger.stripe_movements WHERE source_id = %s", (source_id,)
            )
            found = await cursor.fetchone()
        return found is not None and (bool(found[0]) or not fee)

    await eventually(probe, within=30)


async def reconciled(system: System, day: str, *, number: int | None = None) -> Json:
    """Ask for a run of a day and return what came of it."""
    answers = await asyncio.gather(*(system.command.post("/reconciliations", json={"date": day}) for _ in range(3)))
    assert [answer.status_code for answer in answers] == [202] * 3, [answer.text for answer in answers]
    runs = {(answer.json()["id"], answer.json()["number"]) for answer in answers}
    assert len(runs) == 1, "three requests at one instant are one run"
    ((run_id, found_number),) = runs
    assert number in {None, found_number}

    async def probe() -> Json:
        answer = await system.query.get(f"/reconciliations/{run_id}")
        return answer.json() if answer.status_code == httpx.codes.OK else {"number": 0, "status": ""}

    return await eventually(
        probe, lambda found: (found["number"], found["status"]) == (found_number, "completed"), within=120
    )


async def discrepancies(system: System, **filters: str) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    cursor: str | None = None
    while True:
        page = {"limit": "2", **filters, **({} if cursor is None else {"cursor": cursor})}
        answer = (await system.query.get("/discrepancies", params=page)).json()
        DiscrepancyPage.model_validate(answer)
        found.update((each["kind"], each["source_id"]) for each in answer["data"])
        if not answer["has_more"]:
            return found
        cursor = answer["next_cursor"]


async def at_stripe(system: System, path: str, **form: str) -> Json:
    """Do what somebody does in Stripe's dashboard."""
    async with httpx.AsyncClient(base_url=system.stack.urls.sandbox, verify=False) as client:
        answer = await client.post(path, data=form, headers={"Authorization": f"Bearer {STRIPE_KEY}"})
    assert answer.is_success, answer.text
    return dict(answer.json())


async def paystream(system: System, *arguments: str) -> tuple[int, str]:
    ended = await paystream_command.paystream(
        *arguments, settings=system.stack.environment("worker-reconciliation"), within=150
    )
    return ended.code, ended.output

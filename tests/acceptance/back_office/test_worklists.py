"""What waits for somebody, worked off in a real browser: a difference and dead letters by the keys, a stuck call."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from playwright.async_api import Page, expect

from infra.settings.staff import DEVELOPMENT_OPERATOR, DEVELOPMENT_PASSWORD, DEVELOPMENT_STAFF
from tests.support.browser import CHROMIUM, logged_in, reach
from tests.support.finance_steps import fault, in_the_ledger, paid, reconciled, rows
from tests.support.system import Json, System
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.broker,
    pytest.mark.timeout(240),
    pytest.mark.skipif(CHROMIUM is None, reason="NOT CHECKED: worklists in a browser: there is no chromium"),
]

_USER = "refused_by_the_read_model"
_REFUSE = f"ALTER TABLE read_model.payments ADD CONSTRAINT refuses CHECK (user_id <> '{_USER}') NOT VALID"
_ALLOW = "ALTER TABLE read_model.payments DROP CONSTRAINT refuses"
_STUCK = """
UPDATE consumers.gateway_tasks SET status = 'dead', finished_at = clock_timestamp()
 WHERE payment_id = %(payment_id)s AND operation = 'create_refund' AND status = 'due' AND attempts > 0
"""


async def test_a_difference_is_assigned_to_somebody_who_explains_it(system: System) -> None:
    source = await a_difference(system)
    async with logged_in(system.stack.urls.back_office, DEVELOPMENT_STAFF, DEVELOPMENT_PASSWORD) as page:
        await page.goto(f"/discrepancies?status=unresolved&source_id={source}")
        row = page.locator("tbody tr", has_text=source)
        await expect(row.locator("td[data-label='Who looks into it']")).to_contain_text("Nobody")
        await reach(page, "a[href$='/assign']")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/assign")
        await reach(page, "#assignee")
        await page.keyboard.type(DEVELOPMENT_STAFF)
        await reach(page, "#reason")
        await page.keyboard.type("asked the bank")
        await reach(page, "main button.main")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/discrepancies?status=unresolved")
        await page.get_by_role("status").wait_for()

        mine = [(source, DEVELOPMENT_STAFF)]  # once the projector has come to it
        await eventually(lambda: worklist(system, assignee=DEVELOPMENT_STAFF, source_id=source), mine.__eq__)
        await page.get_by_role("link", name="Mine").click()
        await page.wait_for_url(f"**assignee={DEVELOPMENT_STAFF}")
        await expect(row.locator("td[data-label='Who looks into it']")).to_contain_text(DEVELOPMENT_STAFF)

        await row.get_by_role("link", name="Explain").click()
        await page.get_by_label("Reason").fill("Stripe booked it a day late")
        await page.get_by_role("button", name="Explain").click()
        await page.get_by_role("status").wait_for()
        explained = [(source, DEVELOPMENT_STAFF)]
        await eventually(lambda: worklist(system, status="explained", source_id=source), explained.__eq__)
        await page.goto(f"/discrepancies?status=explained&source_id={source}")
        said = row.locator("td[data-label=Status]")
        await expect(said).to_contain_text("Stripe booked it a day late")
        await expect(said).to_contain_text(f"{DEVELOPMENT_STAFF}, with the API key development")


async def a_difference(system: System) -> str:
    """Have Stripe book a charge late; return the charge, which the day's reconciliation misses."""
    await fault(system, "hide_row", "charge")
    charge = await paid(system, user_id="assigned_in_the_browser")
    await in_the_ledger(system, charge, fee=False)
    (row,) = await rows(system, charge)
    await reconciled(system, datetime.fromtimestamp(row["created"], UTC).date().isoformat())
    assert await worklist(system, source_id=charge) == [(charge, None)]
    return charge


async def worklist(system: System, **filters: str) -> list[tuple[str, str | None]]:
    answer = await system.query.get("/discrepancies", params={"status": "unresolved", **filters})
    return [(each["source_id"], each["assignee"]) for each in answer.json()["data"]]


async def test_all_dead_letters_are_replayed_after_their_preview(system: System) -> None:
    async with a_read_model_that_refuses(system):
        created = (await system.create(wait=20, user_id=_USER)).json()
        waiting = await eventually(lambda: dead_letters(system), lambda found: len(found) == 3, within=30)
        assert {each["reason"] for each in waiting} == {"refused", "behind"}
    async with logged_in(system.stack.urls.back_office, DEVELOPMENT_OPERATOR, DEVELOPMENT_PASSWORD) as page:
        await page.goto("/dead-letters")
        await reach(page, "a[href='/dead-letters/replay']")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/dead-letters/replay")
        await reach(page, "main form[method=get] button")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/dead-letters/replay?consumer=projector*")
        count = await previewed(page)
        assert count == len(await dead_letters(system)), "a preview replays nothing"
        await reach(page, "#reason")
        await page.keyboard.type("the read model takes it again")
        await reach(page, "main form[method=post] button")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/dead-letters")
        await page.get_by_role("status").get_by_text(f"The replay of {count} is requested").wait_for()

        await eventually(lambda: dead_letters(system), lambda found: found == [], within=30)
        await page.goto("/dead-letters?resolved=yes")
        await expect(page.locator("td[data-label=Status]", has_text="Applied")).to_have_count(count)
        await page.locator("tbody td[data-label=Id] a").first.click()
        await page.get_by_text("ops, with the API key development-operator: the read model takes it again").wait_for()
    shown = await system.payment(created["id"], min_position=created["position"])
    assert (shown["user_id"], shown["status"]) == (_USER, "succeeded")


async def test_a_call_that_is_stuck_is_retried_and_the_money_is_given_back(system: System) -> None:
    created = (await system.create(wait=20, user_id="stuck_in_the_browser")).json()
    await a_stuck_refund(system, created["id"])
    async with logged_in(system.stack.urls.back_office, DEVELOPMENT_OPERATOR, DEVELOPMENT_PASSWORD) as page:
        await page.goto(f"/payments/{created['id']}")
        await page.get_by_text("Accepted here, not yet at Stripe").wait_for()
        await page.goto("/tasks")
        row = page.locator("tbody tr", has_text=created["id"])
        await expect(row.locator("td[data-label=Call]")).to_have_text("Create refund")
        await row.get_by_role("link", name="Retry").click()
        await page.get_by_label("Reason").fill("Stripe has let go of it")
        await page.get_by_role("button", name="Retry").click()
        await page.get_by_role("status").get_by_text("with the same idempotency key").wait_for()
        await system.finished(created["id"])
        await page.goto(f"/payments/{created['id']}")
        await page.get_by_text("At Stripe: given back").wait_for()
        event = page.locator("#events li", has_text="A call to Stripe was tried again")
        await expect(event).to_contain_text("Stripe has let go of it")
        await expect(event).to_contain_text(DEVELOPMENT_OPERATOR)
    assert [refund["amount"] for refund in await system.refunds(created["id"])] == [400]


async def a_stuck_refund(system: System, payment_id: str) -> None:
    """Have Stripe refuse a refund again and again, until its call waits for a person."""
    refusal = {"effect": "lock_timeout", "method": "POST", "path": "/v1/refunds"}
    rule = (await system.sandbox.post("/_sandbox/faults", json=refusal)).json()
    try:
        (await system.refund(payment_id, 400)).raise_for_status()

        async def is_stuck() -> bool:
            return await as_owner(system, _STUCK, {"payment_id": payment_id}) == 1

        await eventually(is_stuck, within=30)
    finally:
        (await system.sandbox.delete(f"/_sandbox/faults/{rule['id']}")).raise_for_status()


async def previewed(page: Page) -> int:
    """Return how many the preview says that would be replayed, all of its rows together."""
    counts = await page.locator("tbody td[data-label='Dead letters']").all_inner_texts()
    return sum(int(each) for each in counts)


@asynccontextmanager
async def a_read_model_that_refuses(system: System) -> AsyncIterator[None]:
    """Have the read model take no payment of one user, for as long as this is open."""
    await as_owner(system, _REFUSE)
    try:
        yield
    finally:
        await as_owner(system, _ALLOW)


async def as_owner(system: System, statement: Any, parameters: Json | None = None) -> int:
    """Do something in the database; return to how many rows."""
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as connection:
        return (await connection.execute(statement, parameters)).rowcount


async def dead_letters(system: System) -> list[Json]:
    answer = await system.command.get("/dead-letters", params={"limit": "100"})
    answer.raise_for_status()
    return list(answer.json()["data"])

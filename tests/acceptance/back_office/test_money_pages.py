"""The pages about money in a real browser: a point leads to its rows, a payout to what it pays, a file is whole.

Whatever the policy refuses, and every console error, fails the test.
"""

import csv
import io
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.async_api import Page
from pyarrow import parquet

from infra.settings.staff import DEVELOPMENT_PASSWORD, DEVELOPMENT_STAFF
from tests.support.browser import CHROMIUM, at_each_size, logged_in
from tests.support.finance_steps import panel
from tests.support.system import System
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.broker,
    pytest.mark.skipif(CHROMIUM is None, reason="NOT CHECKED: the pages about money: there is no chromium"),
]

FORMS = ("CSV", "Parquet")
_EXPORTS = """
SELECT data->>'format', data->'filters', metadata->>'actor' FROM event_store.events
 WHERE type = 'privacy.rows_exported' AND data->'filters'->>'user_id' = %(user_id)s ORDER BY position
"""


async def pays(system: System, user: str, **fields: Any) -> str:
    """Make a payment and wait until the read model has it."""
    created = (await system.create(wait=20, user_id=user, **fields)).json()
    await system.payment(created["id"], min_position=created["position"])
    return str(created["id"])


async def shows(page: Page, address: str, text: str) -> None:
    """Reload a page until it says something: fees and payouts come a moment later."""

    async def said() -> bool:
        await page.goto(address)
        return await page.get_by_text(text).count() > 0

    await eventually(said, within=30)


@pytest.mark.timeout(180)
async def test_a_point_of_a_chart_leads_to_its_rows(system: System) -> None:
    await pays(system, "charted", amount_cents=1234, currency="NOK")
    async with logged_in(system.stack.urls.back_office, DEVELOPMENT_STAFF, DEVELOPMENT_PASSWORD) as page:
        async for width in at_each_size(page):
            await shows(page, "/overview?currency=NOK", "100.0 %")
            await page.get_by_label("From day").fill((datetime.now(UTC).date() - timedelta(days=4)).isoformat())
            await page.get_by_role("button", name="Show").click()
            await page.wait_for_url("**from_day=*")
            assert await drawn(page, "payments") == {"days": 5, "made": 1}
            assert await drawn(page, "money") == {"days": 5, "gross": 12.34}
            chart = page.locator(".chart[data-chart=payments] .u-over")
            box = await chart.bounding_box()
            assert box is not None
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            await chart.click(position={"x": box["width"] - 2, "y": box["height"] / 8})  # the last day
            await page.wait_for_url("**/payments?currency=NOK&from_day=*")
            await page.get_by_text("12.34 NOK").first.wait_for()


async def drawn(page: Page, chart: str) -> dict[str, float]:
    """Return of how many days a chart is, and the first of its series all together."""
    days, (label, values) = await page.evaluate(
        """name => {
          const { data, series } = document.querySelector(`.chart[data-chart=${name}]`).chart;
          return [data[0].length, [series[1].label, data[1]]];
        }""",
        chart,
    )
    return {"days": days, label.lower(): sum(values)}


@pytest.mark.timeout(180)
async def test_from_the_trial_balance_down_to_the_event(system: System) -> None:
    payment = await pays(system, "in_the_ledger", amount_cents=4321, currency="NZD")
    async with logged_in(system.stack.urls.back_office, DEVELOPMENT_STAFF, DEVELOPMENT_PASSWORD) as page:
        async for width in at_each_size(page):
            await shows(page, "/ledger", "NZD")
            assert await page.get_by_text("The sides differ").count() == 0
            await page.goto("/ledger/entries?account=customer_receivable&currency=NZD")
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            await page.get_by_role("link", name="Payment", exact=True).first.click()
            await page.wait_for_url(f"**/payments/{payment}#event-*")
            anchor = page.url.partition("#")[2]
            assert "Paid" in await page.locator(f"#{anchor} .what").inner_text()


@pytest.mark.timeout(180)
async def test_a_payout_shows_what_it_pays(system: System) -> None:
    await pays(system, "in_a_payout", amount_cents=5000, currency="SEK", payment_method="pm_card_bypassPending")
    (payout,) = [each for each in await panel(system, "payouts/run") if each["currency"] == "sek"]
    async with logged_in(system.stack.urls.back_office, DEVELOPMENT_STAFF, DEVELOPMENT_PASSWORD) as page:
        async for width in at_each_size(page):
            await shows(page, "/payouts?currency=SEK", payout["id"])
            await page.get_by_role("link", name=payout["id"]).click()
            await page.get_by_text("All of it").first.wait_for(state="attached")
            assert await page.get_by_text("not the payout's amount").count() == 0
            assert await page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.timeout(180)
async def test_a_file_has_the_rows_of_the_list_and_is_recorded(system: System, tmp_path: Path) -> None:
    user = f"exported_{uuid.uuid4().hex[:12]}"
    ids = {await pays(system, user) for _ in range(3)}
    async with logged_in(system.stack.urls.back_office, DEVELOPMENT_STAFF, DEVELOPMENT_PASSWORD) as page:
        await page.goto(f"/payments?user_id={user}")
        files = {form: await downloaded(page, form, tmp_path / f"payments.{form.lower()}") for form in FORMS}
    for rows in (list(csv.DictReader(io.StringIO(files["CSV"].read_text("utf-8")))), parquet_rows(files["Parquet"])):
        assert {row["id"] for row in rows} == ids
        assert {row["user_id"] for row in rows} == {user}
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as conn:
        found = await conn.execute(_EXPORTS, {"user_id": user})
        actor = f"api:development/{DEVELOPMENT_STAFF}"
        assert await found.fetchall() == [(form.lower(), {"user_id": user}, actor) for form in FORMS]


async def downloaded(page: Page, form: str, file: Path) -> Path:
    async with page.expect_download() as started:
        await page.get_by_role("button", name=form).click()
    await (await started.value).save_as(file)
    return file


def parquet_rows(file: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = parquet.read_table(file).to_pylist()
    return rows


@pytest.mark.timeout(180)
async def test_a_view_is_saved_and_counts_what_it_shows(system: System) -> None:
    user = "viewed_in_the_browser"
    for _ in range(2):
        await pays(system, user)
    async with logged_in(system.stack.urls.back_office, DEVELOPMENT_STAFF, DEVELOPMENT_PASSWORD) as page:
        async for width in at_each_size(page):
            await page.goto(f"/payments?user_id={user}")
            for column in ("Made", "State", "User"):
                await page.get_by_role("checkbox", name=column, exact=True).uncheck()
            await page.get_by_role("checkbox", name="Idempotency key").check()
            await page.get_by_role("button", name="Show").click()
            await page.wait_for_url("**columns=key*")
            assert await page.get_by_role("columnheader", name="Made").count() == 0
            await page.get_by_label("Save this as a view").fill(f"Seen {width} wide")
            await page.get_by_role("button", name="Save").click()
            await page.wait_for_url("**columns=amount%2Ckey")
            await page.get_by_role("link", name=f"Seen {width} wide 2").wait_for()
            assert await page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.timeout(180)
async def test_a_customer_is_found_from_a_payment(system: System) -> None:
    payment = await pays(system, "a_customer", amount_cents=777, currency="CHF")
    async with logged_in(system.stack.urls.back_office, DEVELOPMENT_STAFF, DEVELOPMENT_PASSWORD) as page:
        async for width in at_each_size(page):
            await page.goto(f"/payments/{payment}")
            await page.get_by_role("link", name="a_customer").click()
            await page.wait_for_url("**/customers?user_id=a_customer")
            assert await page.get_by_text("7.77 CHF").count() >= 1
            assert await page.evaluate("document.documentElement.scrollWidth") <= width

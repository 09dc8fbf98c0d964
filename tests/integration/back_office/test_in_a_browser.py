"""Every page in a real browser, over stand-ins: nobody is kept out, nothing is too wide, and no text is lost."""

from collections.abc import Sequence

import httpx
import pytest
from playwright.async_api import Page

from schemas.http.payment_views import ContradictionView
from tests.integration.back_office.conftest import Served
from tests.support.axe import COLOURS, serious_issues
from tests.support.browser import CHROMIUM, browser_on, log_in, log_in_by_keyboard, reach, send_login
from tests.support.layout import layout_faults
from tests.support.waiting import eventually
from tests.unit.back_office.conftest import PASSWORD
from tests.unit.back_office.fake_apis import PAYMENT_ID, a_page, a_payment, a_refund, body_of, example
from tests.unit.back_office.test_pages import (
    AUDIT,
    DEAD_LETTER,
    DISCREPANCY,
    ENDPOINT,
    OPERATORS_PAGES,
    PAGES,
    SAGA,
    TASK,
)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="NOT CHECKED: pages in a browser: there is no chromium"),
]

FORMS = (f"{TASK}/retry", f"{TASK}/give-up", f"{SAGA}/give-up", f"{DEAD_LETTER}/replay", f"{DEAD_LETTER}/discard")
PAYMENT = f"/payments/{PAYMENT_ID}"
DAYS = ("2026-11-20", "2026-11-22")


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("role", "pages"),
    [
        ("finance", PAGES),
        ("operator", (*FORMS, *AUDIT, f"{PAYMENT}/accept", f"{PAYMENT}/history", ENDPOINT, "/tasks", *OPERATORS_PAGES)),
    ],
)
async def test_no_page_keeps_anybody_out_or_is_too_wide(served: Served, role: str, pages: Sequence[str]) -> None:
    contradicted = a_payment(contradictions=[example(ContradictionView)])
    served.query_api.answers |= {"GET /payments": a_page(contradicted), f"GET {PAYMENT}": contradicted}
    async with browser_on(served.url, 1280, "light") as page:
        await at_login(page)
        await suits_all(page)
        await log_in(page, role, PASSWORD)
        for address in pages:
            await page.goto(address)
            await suits_all(page)


async def suits_all(page: Page) -> None:
    """See that nobody is kept out of the page, on a phone and a desk, in light and dark, and that it is well laid out.

    1040 pixels are the narrowest on which a table is not yet shown as cards.
    """
    for width in (360, 1040, 1280):
        await page.set_viewport_size({"width": width, "height": 800})
        where = f"{page.url}, {width} wide"
        assert await layout_faults(page) == [], where
        if width != 1040:
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, where
            assert await serious_issues(page) == [], where
            await page.emulate_media(color_scheme="dark")
            assert await serious_issues(page, rules=COLOURS) == [], f"{where}, dark"
            await page.emulate_media(color_scheme="light")


async def at_login(page: Page) -> Page:
    await page.goto("/login")
    return page


@pytest.mark.timeout(120)
async def test_a_barrier_would_be_found(served: Served) -> None:
    async with browser_on(served.url, 1280, "light") as page:
        await at_login(page)
        await page.evaluate("document.querySelector('label[for=name]').remove()")
        (found,) = await serious_issues(page)
    assert found.startswith("label:")


@pytest.mark.timeout(120)
async def test_a_faint_text_would_be_found_in_the_dark(served: Served) -> None:
    async with browser_on(served.url, 1280, "dark") as page:
        await at_login(page)
        assert await serious_issues(page, rules=COLOURS) == []
        await page.evaluate("document.querySelector('label').style.color = '#444'")
        (found,) = await serious_issues(page, rules=COLOURS)
    assert found.startswith("color-contrast:")


@pytest.mark.timeout(120)
async def test_a_fault_of_the_layout_would_be_found(served: Served) -> None:
    async with browser_on(served.url, 1280, "light") as page:
        await log_in(page, "finance", PASSWORD)
        for fault, found in (
            ("cell.style.textAlign = 'left'", '"10.00 USD" does not align with its heading'),
            ("cell.dataset.label = 'Sum'", '"10.00 USD" is labelled "Sum" under "Amount"'),
            ("cell.style.whiteSpace = 'pre', cell.textContent = '0'.repeat(400)", "reaches out of the page"),
        ):
            await page.goto("/payments")
            await page.evaluate("document.querySelector('.scroll').classList.remove('scroll')")
            assert await layout_faults(page) == []
            await page.evaluate(f"cell = document.querySelector('tbody .amount'), {fault}")
            assert any(found in each for each in await layout_faults(page))


@pytest.mark.timeout(120)
async def test_the_keyboard_alone_is_enough_for_a_refund(served: Served) -> None:
    async with browser_on(served.url, 1280, "light") as page:
        await log_in_by_keyboard(page, "finance", PASSWORD)
        await reach(page, f"a[href='{PAYMENT}']")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**{PAYMENT}")
        await reach(page, f"a[href='{PAYMENT}/refund']")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/refund")
        await reach(page, "#amount")
        await page.keyboard.press("Control+A")
        await page.keyboard.type("4.00")
        await page.keyboard.press("Tab")
        await page.keyboard.type("Dup")  # of the list of reasons
        await reach(page, "form[data-once] button")
        await page.keyboard.press("Enter")
        await page.get_by_text("The refund is accepted here").wait_for()
    (command,) = served.command_api.commands()
    assert body_of(command) == {"amount_cents": 400, "reason": "duplicate"}


@pytest.mark.timeout(120)
async def test_a_session_that_ends_in_the_middle_of_a_form_loses_no_text(served: Served) -> None:
    text = "the bank says: sent twice & given back"
    served.command_api.answers[f"POST {DISCREPANCY}/explain"] = {"said": "It is explained."}
    async with browser_on(served.url, 1280, "light") as page:
        await log_in(page, "finance", PASSWORD)
        await page.goto(f"{DISCREPANCY}/explain")
        await page.get_by_label("Reason").fill(text)
        await page.context.clear_cookies()
        await page.get_by_role("button", name="Explain").click()
        await page.wait_for_url("**/login?next=*")
        assert served.command_api.commands() == []
        await send_login(page, "finance", PASSWORD)
        await page.wait_for_url("**/explain?reason=*")
        assert await page.get_by_label("Reason").input_value() == text
        await page.get_by_role("button", name="Explain").click()
        await page.get_by_text("It is explained.").wait_for()
    (command,) = served.command_api.commands()
    assert body_of(command) == {"reason": text}


@pytest.mark.timeout(120)
async def test_a_double_click_sends_an_operation_once(served: Served) -> None:
    served.command_api.answers[f"POST {TASK}/retry"] = {"said": "It will be sent again."}
    async with browser_on(served.url, 360, "dark") as page:
        await log_in(page, "operator", PASSWORD)
        await page.goto(f"{TASK}/retry")
        await page.get_by_label("Reason").fill("Stripe is back")
        await page.get_by_role("button", name="Retry").dblclick()
        await page.get_by_text("It will be sent again.").wait_for()
    assert len(served.command_api.commands()) == 1


@pytest.mark.timeout(120)
async def test_an_id_is_copied_by_its_button(served: Served) -> None:
    async with browser_on(served.url, 1280, "light") as page:
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await log_in(page, "support", PASSWORD)
        await page.goto(PAYMENT)
        await page.locator(f"button.copy[data-copy='{PAYMENT_ID}']").click()
        await page.get_by_role("button", name="Copied").wait_for()
        assert await page.evaluate("navigator.clipboard.readText()") == PAYMENT_ID


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("chart", "line", "leads"),
    [
        ("money", "Gross", "/ledger/entries?account=customer_receivable&currency=USD&{day}"),
        ("money", "Refunds", "/ledger/entries?account=refunds&currency=USD&{day}"),
        ("money", "Net", "/ledger/entries?currency=USD&{day}"),
        ("payments", "Made", "/payments?currency=USD&{day}"),
    ],
)
async def test_a_point_of_a_line_leads_to_its_rows(served: Served, chart: str, line: str, leads: str) -> None:
    day = "2026-05-01"
    async with browser_on(served.url, 1280, "light") as page:
        await log_in(page, "finance", PASSWORD)
        await page.goto("/overview?from_day=2026-04-25&to_day=2026-05-10")
        over = page.locator(f".chart[data-chart={chart}] .u-over")
        left, top = await over.evaluate(
            """(over, [line, day]) => {
              const { chart } = over.closest(".chart");
              const number = chart.series.findIndex((each) => each.label === line);
              const index = chart.data[0].indexOf(Date.parse(day) / 1000);
              return [chart.valToPos(chart.data[0][index], "x"), chart.valToPos(chart.data[number][index], "y")];
            }""",
            [line, day],
        )
        await over.click(position={"x": left, "y": top})
        await page.wait_for_url("**" + leads.format(day=f"from_day={day}&to_day={day}"))


@pytest.mark.timeout(120)
async def test_no_zone_of_the_browser_comes_into_a_page(served: Served) -> None:
    """These two are a day apart for most of it: were a time or a day the browser's, they would not show the same."""
    shown = [await seen_from(served, zone) for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago")]
    assert shown[0] == shown[1]
    assert shown[0][0] == DAYS[1], "the legend has the last day"


async def seen_from(served: Served, zone: str) -> list[str]:
    """Return the day of the chart's legend, the chart as it is drawn, and what a payment's page says."""
    async with browser_on(served.url, 1280, "light", zone=zone) as page:
        await log_in(page, "finance", PASSWORD)
        await page.goto(f"/overview?from_day={DAYS[0]}&to_day={DAYS[1]}")
        legend = await page.locator(".chart[data-chart=money] .u-legend .u-value").first.inner_text()
        drawn = await page.locator(".chart[data-chart=money] canvas").evaluate("each => each.toDataURL()")
        await page.goto(PAYMENT)
        return [legend, drawn, await page.locator("main").inner_text()]


async def test_a_page_costs_little(served: Served) -> None:
    """The sizes stay small enough for a slow connection."""
    async with httpx.AsyncClient(base_url=served.url) as browser:
        assert len((await browser.get("/static/app.css")).content) < 20_000
        assert len((await browser.get("/login")).content) < 5_000


@pytest.mark.timeout(120)
async def test_a_payment_that_changes_is_shown_as_it_is_without_a_reload(served: Served) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        known = request.headers.get("if-none-match")
        return httpx.Response(304) if known == f'"{now["version"]}"' else httpx.Response(200, json=now)

    now = a_payment(version=5)
    served.query_api.answers[f"GET {PAYMENT}"] = answer
    async with browser_on(served.url, 1280, "light") as page:
        await log_in(page, "support", PASSWORD)
        await page.goto(PAYMENT)
        await eventually(lambda: streams(served), lambda count: count == 1)
        await page.evaluate("window.isTheSamePage = true")
        now |= {"version": 6, "amount_refunded_cents": 1000, "refunds": [a_refund(amount_cents=1000)]}
        await page.get_by_text("At Stripe: given back").first.wait_for()
        assert await page.evaluate("window.isTheSamePage")
        await page.goto("/payments")
        await eventually(lambda: streams(served), lambda count: count == 0)


async def streams(served: Served) -> int:
    return served.office.streams.open

"""The back office in a real browser: nothing is refused by its policy, nothing fails, and it fits a phone."""

import pytest
from playwright.async_api import Page

from infra.settings.staff import DEVELOPMENT_PASSWORD, DEVELOPMENT_STAFF
from tests.support.browser import CHROMIUM, SCHEMES, Scheme, browser_on, log_in, log_in_by_keyboard, reach
from tests.support.system import System

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.broker,
    pytest.mark.skipif(CHROMIUM is None, reason="NOT CHECKED: the back office in a browser: there is no chromium"),
]


async def refund_found(page: Page, text: str, amount: str) -> None:
    """Search for a payment and refund a part of it."""
    await page.get_by_label("Search").fill(text)
    await page.get_by_label("Search").press("Enter")
    await page.get_by_role("link", name="Refund", exact=True).click()
    await page.get_by_label("Amount in USD").fill(amount)
    await page.get_by_label("Reason").select_option("requested_by_customer")
    await page.get_by_role("button", name="Refund").dblclick()
    await page.get_by_text("At Stripe: given back").wait_for()  # it asks again by itself


@pytest.mark.timeout(180)
async def test_a_double_click_is_one_refund_and_no_page_is_too_wide(system: System) -> None:
    url = system.stack.urls.back_office
    async with browser_on(url, 1280, "light") as page:
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme)
            await log_in(page, DEVELOPMENT_STAFF, DEVELOPMENT_PASSWORD)
            for width in (360, 1280):
                await page.set_viewport_size({"width": width, "height": 800})
                payment_id = await a_payment(system)
                await refund_found(page, payment_id, "4.00")
                await suits(page, width, scheme)
                assert [refund["amount"] for refund in await system.refunds(payment_id)] == [400]
            await page.get_by_role("button", name="Log out").click()
            await page.wait_for_url("**/login")


async def a_payment(system: System) -> str:
    created = (
        await system.create(wait=20, user_id="in_the_browser", metadata={"note": "<img src=x onerror=alert(1)>"})
    ).json()
    await system.payment(created["id"], min_position=created["position"])
    return str(created["id"])


async def suits(page: Page, width: int, scheme: Scheme) -> None:
    for address in (
        page.url,
        "/payments",
        "/overview",
        "/payouts",
        "/ledger",
        "/reconciliations",
        "/discrepancies",
        "/system",
        "/search?q=user_1",
    ):
        await page.goto(address)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, address
    back = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert back == {"light": "rgb(245, 246, 248)", "dark": "rgb(18, 21, 28)"}[scheme]


@pytest.mark.timeout(180)
async def test_everything_works_without_scripts(system: System) -> None:
    created = (await system.create(wait=20)).json()
    await system.payment(created["id"], min_position=created["position"])
    async with browser_on(system.stack.urls.back_office, 1280, "light", scripts=False) as page:
        await log_in(page, DEVELOPMENT_STAFF, DEVELOPMENT_PASSWORD)
        await page.goto(f"/payments/{created['id']}/refund")
        await page.get_by_label("Reason").select_option("duplicate")
        await page.get_by_role("button", name="Refund").click()
        await page.get_by_text("The refund is accepted here").wait_for()
        assert await page.get_by_role("button", name="Copy").count() == 0, "what needs scripts is not shown"
    await system.finished(created["id"])


@pytest.mark.timeout(180)
async def test_the_keyboard_alone_is_enough_to_log_in_and_search(system: System) -> None:
    created = (await system.create(wait=20, user_id="by_keyboard_alone")).json()
    await system.payment(created["id"], min_position=created["position"])
    async with browser_on(system.stack.urls.back_office, 1280, "light") as page:
        await log_in_by_keyboard(page, DEVELOPMENT_STAFF, DEVELOPMENT_PASSWORD)
        await reach(page, "input[type=search]")
        await page.keyboard.type(created["id"])
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/payments/{created['id']}")


@pytest.mark.timeout(180)
async def test_a_refund_that_is_on_its_way_is_shown_as_it_moves(system: System) -> None:
    created = (await system.create(wait=20)).json()
    await system.payment(created["id"], min_position=created["position"])
    async with browser_on(system.stack.urls.back_office, 1280, "light") as page:
        await log_in(page, DEVELOPMENT_STAFF, DEVELOPMENT_PASSWORD)
        await page.goto(f"/payments/{created['id']}/refund")
        await page.get_by_label("Reason").select_option("duplicate")
        await system.sandbox.post("/_sandbox/latency", json={"before_ms": 3000})
        try:
            await page.get_by_role("button", name="Refund").click()
            await page.get_by_text("Accepted here, not yet at Stripe").wait_for()
            await page.get_by_text("At Stripe: given back").wait_for()
        finally:
            await system.sandbox.post("/_sandbox/latency", json={"before_ms": 0})
        assert await page.locator("#events strong").last.inner_text() == "Refunded", "what happened moves with it"

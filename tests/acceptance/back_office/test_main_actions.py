"""The main action of views that have no story of their own, in a real browser, down to what the APIs say afterwards."""

from typing import Any

import pytest
from playwright.async_api import Page

from infra.settings.staff import DEVELOPMENT_OPERATOR, DEVELOPMENT_PASSWORD, DEVELOPMENT_STAFF
from tests.support.browser import CHROMIUM, browser_on, log_in, send_login
from tests.support.system import Json, System
from tests.support.waiting import eventually
from tests.support.webhook_receiver import a_receiver

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.broker,
    pytest.mark.timeout(180),
    pytest.mark.skipif(CHROMIUM is None, reason="NOT CHECKED: main actions in a browser: there is no chromium"),
]


async def paid(system: System, user: str, **fields: Any) -> Json:
    created = (await system.create(wait=20, user_id=user, **fields)).json()
    return await system.payment(created["id"], min_position=created["position"])


async def test_what_is_held_is_captured_in_part(system: System) -> None:
    payment = await paid(system, "captured_in_the_browser", capture_method="manual")
    async with browser_on(system.stack.urls.back_office, 360, "dark") as page:
        await log_in(page, DEVELOPMENT_STAFF, DEVELOPMENT_PASSWORD)
        await page.goto(f"/payments/{payment['id']}")
        await page.get_by_role("link", name="Capture", exact=True).click()
        await page.get_by_label("Amount in USD").fill("7.50")
        await page.get_by_label("Reason").fill("one of two parcels was sent")
        await page.get_by_role("button", name="Capture").dblclick()
        await page.wait_for_url("**/payments/*done=*")
        await page.get_by_text("Captured").first.wait_for()
        event = page.locator("#events li", has_text="Capture requested")
        await event.get_by_text("one of two parcels was sent").wait_for()
        await event.get_by_text("dev, with the API key development").wait_for()
    after = await system.finished_as(payment["id"], "succeeded")
    assert (after["amount_captured_cents"], after["amount_refunded_cents"]) == (750, 0)


async def test_a_dispute_leads_to_its_payment(system: System) -> None:
    payment = await paid(
        system, "disputes_in_the_browser", amount_cents=4711, currency="AUD", payment_method="pm_card_createDispute"
    )
    async with browser_on(system.stack.urls.back_office, 1280, "light") as page:
        await log_in(page, DEVELOPMENT_STAFF, DEVELOPMENT_PASSWORD)
        link = page.get_by_role("link", name="47.11 AUD")

        async def is_listed() -> bool:
            await page.goto("/disputes")
            return await link.count() > 0

        await eventually(is_listed, within=30)
        await link.click()
        await page.wait_for_url(f"**/payments/{payment['id']}")
        await page.get_by_text("Disputed").first.wait_for()


async def test_a_delivery_is_sent_once_more(system: System) -> None:
    async with a_receiver() as receiver:
        endpoint = (await system.command.post("/webhook-endpoints", json={"url": receiver.url})).json()
        try:
            payment = await paid(system, "delivered_in_the_browser")

            async def came() -> list[str]:
                return [each.id for each in receiver.received if each.json["payment_id"] == payment["id"]]

            before = await eventually(came, lambda ids: len(ids) >= 2, within=30)
            async with browser_on(system.stack.urls.back_office, 1280, "dark") as page:
                await log_in(page, DEVELOPMENT_OPERATOR, DEVELOPMENT_PASSWORD)
                await page.goto(f"/webhooks/{endpoint['id']}")
                row = page.locator("tbody tr", has=page.get_by_text("Delivered")).first
                await row.get_by_role("button", name="Send once more").click()
                await page.get_by_role("status").wait_for()
            again = await eventually(came, lambda ids: len(ids) > len(set(ids)), within=30)
            assert set(before) <= set(again)
        finally:
            await system.command.delete(f"/webhook-endpoints/{endpoint['id']}")


async def test_personal_data_is_erased_after_its_preview(system: System) -> None:
    user = "erased_in_the_browser"
    payment = await paid(system, user, description="for Anna, at number 7")
    async with browser_on(system.stack.urls.back_office, 1280, "light") as page:
        await log_in(page, DEVELOPMENT_OPERATOR, DEVELOPMENT_PASSWORD)
        await page.goto(f"/customers?user_id={user}")
        await page.get_by_role("link", name="Hand out or erase personal data").click()
        await page.get_by_text("Will be erased: what 1 payment").wait_for()
        form = page.locator("form[action='/customers/erase']")
        await form.get_by_label("Reason").fill("they asked for it")
        await form.get_by_label("The user's id once more").fill(user)
        await form.get_by_role("button", name="Erase").click()
        await page.get_by_role("heading", name="Erased").wait_for()

    async def description() -> object:
        return (await system.payment(payment["id"]))["description"]

    await eventually(description, lambda text: text != "for Anna, at number 7", within=30)


async def test_a_lock_puts_somebody_out_and_an_unlock_lets_them_in(system: System) -> None:
    url = system.stack.urls.back_office
    async with browser_on(url, 1280, "light") as theirs, browser_on(url, 360, "dark") as page:
        await log_in(theirs, DEVELOPMENT_STAFF, DEVELOPMENT_PASSWORD)
        await log_in(page, DEVELOPMENT_OPERATOR, DEVELOPMENT_PASSWORD)
        try:
            await change_staff(page, "Lock", "a lost laptop")
            await theirs.goto("/payments")
            await theirs.wait_for_url("**/login?next=*")
        finally:
            await change_staff(page, "Unlock", "it was found")
        await send_login(theirs, DEVELOPMENT_STAFF, DEVELOPMENT_PASSWORD)
        await theirs.wait_for_url("**/payments")


async def change_staff(page: Page, change: str, reason: str) -> None:
    await page.goto(f"/staff/{DEVELOPMENT_STAFF}")
    await page.get_by_role("link", name=change, exact=True).click()
    await page.get_by_label("Reason").fill(reason)
    await page.get_by_role("button", name=change, exact=True).click()
    await page.get_by_role("status").get_by_text(f"{DEVELOPMENT_STAFF} is {change.lower()}ed.").wait_for()

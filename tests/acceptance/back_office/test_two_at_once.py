"""Two people at the same payment, each in a browser of their own: what one does, the other is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page

from back_office.apis.client import Api
from back_office.office import Office, OperatorApis
from infra.embedded.connections import DEVELOPMENT_KEY, DEVELOPMENT_OPERATOR_KEY
from tests.support.back_office_server import serving
from tests.support.browser import CHROMIUM, browser_on, log_in
from tests.support.system import System
from tests.unit.back_office.conftest import PASSWORD, settings

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.broker,
    pytest.mark.timeout(180),
    pytest.mark.skipif(CHROMIUM is None, reason="NOT CHECKED: two people at one payment: there is no chromium"),
]


@asynccontextmanager
async def an_office_with_an_account_of_each_role(system: System) -> AsyncIterator[str]:
    urls = system.stack.urls

    def api(url: str, key: str) -> Api:
        return Api.at(url, key=key, timeout_s=10, name="API")

    operators = OperatorApis(
        command_api=api(urls.command_api, DEVELOPMENT_OPERATOR_KEY),
        query_api=api(urls.query_api, DEVELOPMENT_OPERATOR_KEY),
    )
    office = Office.from_settings(
        settings(),
        command_api=api(urls.command_api, DEVELOPMENT_KEY),
        query_api=api(urls.query_api, DEVELOPMENT_KEY),
        operators=operators,
    )
    try:
        async with serving(office) as url:
            yield url
    finally:
        await operators.command_api.close()
        await operators.query_api.close()


async def test_two_people_who_refund_at_once_give_back_no_more_than_there_is(system: System) -> None:
    created = (await system.create(wait=20)).json()
    await system.payment(created["id"], min_position=created["position"])
    address = f"/payments/{created['id']}"
    async with (
        an_office_with_an_account_of_each_role(system) as url,
        browser_on(url, 1280, "light", refused=True) as of_finance,
        browser_on(url, 360, "dark", refused=True) as of_support,
    ):
        pages = {"finance": of_finance, "support": of_support}
        for name, page in pages.items():
            await log_in(page, name, PASSWORD)
            await page.goto(f"{address}/refund")
            await page.get_by_label("Amount in USD").fill("6.00")
            await page.get_by_label("Reason").select_option("requested_by_customer")
        said = dict(zip(pages, await asyncio.gather(*map(refund, pages.values())), strict=True))
        (late,) = [name for name, text in said.items() if "greater than the amount that can be refunded" in text]
        (first,) = [name for name, text in said.items() if "The refund is accepted here" in text]
        assert "(4.00 USD)" in said[late]
        assert await pages[late].get_by_label("Amount in USD").input_value() == "6.00", "what was written stays"
        await pages[late].goto(address)
        await pages[late].get_by_text("At Stripe: given back").wait_for()
        event = pages[late].locator("#events li", has_text="Refund requested")
        assert f"{first}, with the API key development" in await event.inner_text()
    assert [refund["amount"] for refund in await system.refunds(created["id"])] == [600]


async def refund(page: Page) -> str:
    """Send the form; return what the page says then."""
    await page.get_by_role("button", name="Refund", exact=True).click()
    said = page.locator(".alert")
    await said.first.wait_for()
    return " ".join(await said.all_inner_texts())

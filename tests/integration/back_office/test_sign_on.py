"""Single sign-on in a real browser: to a provider on another site and back, with the cookies that it then sends."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Page

from back_office.office import Office
from back_office.staff.oidc.sign_on import sign_on_of
from infra.embedded.ports import free_port
from tests.integration.back_office.test_in_a_browser import suits_all
from tests.support.back_office_server import serving, serving_app
from tests.support.browser import CHROMIUM, browser_on
from tests.support.oidc_provider import OidcProvider
from tests.unit.back_office.fake_apis import FakeApi, a_command_api, a_query_api, body_of
from tests.unit.back_office.staff.oidc.conftest import sign_on_settings
from tests.unit.back_office.test_pages import DISCREPANCY

pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="NOT CHECKED: single sign-on in a browser: there is no chromium"),
]


@dataclass(frozen=True, kw_only=True)
class Sites:
    """The back office, and a provider on another site: to a browser, localhost is another one than 127.0.0.1."""

    url: str
    provider: OidcProvider
    command_api: FakeApi


@pytest_asyncio.fixture
async def sites() -> AsyncIterator[Sites]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    provider = OidcProvider(issuer="", redirect_uri=f"{url}/login/oidc/callback")
    async with AsyncExitStack() as closing:
        there = await closing.enter_async_context(serving_app(provider.app()))
        provider.issuer = there.replace("127.0.0.1", "localhost")
        given = sign_on_settings(back_office_oidc_issuer=provider.issuer, back_office_public_url=url)
        command_api, query_api = a_command_api(), a_query_api()
        office = Office.from_settings(
            given,
            command_api=command_api.api(),
            query_api=query_api.api(),
            sign_on=await closing.enter_async_context(sign_on_of(given)),
        )
        await closing.enter_async_context(serving(office, port=port))
        yield Sites(url=url, provider=provider, command_api=command_api)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("asks", "scripts"), [(True, True), (True, False), (False, True)])
async def test_somebody_comes_back_to_the_form_with_their_text(sites: Sites, asks: bool, scripts: bool) -> None:
    """From a page of the provider, a browser sends no strict cookie along on the way back."""
    sites.provider.asks = asks
    text = "the bank says: sent twice & given back"
    sites.command_api.answers[f"POST {DISCREPANCY}/explain"] = {"said": "It is explained."}
    async with browser_on(sites.url, 1280, "light", scripts=scripts, other=sites.provider.issuer) as page:
        await page.goto("/payments")
        await page.wait_for_url("**/login?next=*")
        if scripts:
            await suits_all(page)
        await sign_on(page, asks=asks)
        await page.wait_for_url("**/payments")
        await page.goto(f"{DISCREPANCY}/explain")
        await page.get_by_label("Reason").fill(text)
        await page.context.clear_cookies()
        await page.get_by_role("button", name="Explain").click()
        await page.wait_for_url("**/login?next=*")
        assert sites.command_api.commands() == []
        await sign_on(page, asks=asks)
        await page.wait_for_url(f"**{DISCREPANCY}/explain?*")
        assert await page.get_by_label("Reason").input_value() == text
        await page.get_by_role("button", name="Explain").click()
        await page.get_by_text("It is explained.").wait_for()
        cookies = {each["name"]: each["sameSite"] for each in await page.context.cookies()}
        assert cookies["paystream_session"] == "Strict"
        assert "paystream_oidc" not in cookies
    (command,) = sites.command_api.commands()
    assert (body_of(command)["reason"], command.headers["paystream-actor"]) == (text, "finance")


async def sign_on(page: Page, *, asks: bool) -> None:
    """Go to the provider, and say there who it is."""
    await page.get_by_role("link", name="Single sign-on").click()
    if asks:
        await page.get_by_role("link", name="It is me").click()

"""Chromium, for tests of pages: nothing may be refused by their policy, loaded from elsewhere, or raised."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from playwright.async_api import ConsoleMessage, Page, async_playwright, expect

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
"""The same engine without what only a window needs takes two thirds of the processor time."""

_REFUSED = "Failed to load resource: the server responded with a status of 422"

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
SIZES: tuple[tuple[int, Scheme], ...] = ((360, "dark"), (1280, "light"))


@asynccontextmanager
async def browser_on(
    url: str,
    width: int,
    scheme: Scheme,
    *,
    scripts: bool = True,
    refused: bool = False,
    zone: str = "UTC",
    other: str = "",
) -> AsyncIterator[Page]:
    """Open a page of a browser. Fails when anything was refused, loaded from elsewhere or raised.

    `refused`: a form may be answered by 422, which the browser says on its console. `zone` is the browser's own.
    `other`: another site that pages may lead to.
    """
    wrong: list[str] = []

    def is_known(message: ConsoleMessage) -> bool:
        return message.type == "log" or (refused and message.text.startswith(_REFUSED))

    async with async_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        context = await browser.new_context(
            base_url=url,
            viewport={"width": width, "height": 800},
            color_scheme=scheme,
            java_script_enabled=scripts,
            timezone_id=zone,
        )
        page = await context.new_page()
        page.on("console", lambda message: wrong.append(message.text) if not is_known(message) else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        sites = tuple(f"{site}/" for site in (url, other) if site)
        page.on("request", lambda request: None if request.url.startswith(sites) else wrong.append(request.url))
        try:
            yield page
        finally:
            await browser.close()
    assert wrong == [], wrong


async def log_in(page: Page, name: str, password: str) -> None:
    """Log in, and wait for the page that comes first."""
    await page.goto("/login")
    await send_login(page, name, password)
    await page.wait_for_url("**/payments")


@asynccontextmanager
async def logged_in(url: str, name: str, password: str) -> AsyncIterator[Page]:
    """Open a page of a browser for somebody who is logged in."""
    async with browser_on(url, *SIZES[-1]) as page:
        await log_in(page, name, password)
        yield page


async def at_each_size(page: Page) -> AsyncIterator[int]:
    """Show the page on a phone in the dark, and on a desk in light; yield how wide it is."""
    for width, scheme in SIZES:
        await page.set_viewport_size({"width": width, "height": 800})
        await page.emulate_media(color_scheme=scheme)
        yield width


async def send_login(page: Page, name: str, password: str) -> None:
    """Fill in and send the form of the login, which is open."""
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Log in").click()


async def log_in_by_keyboard(page: Page, name: str, password: str) -> None:
    """Log in with the keys alone.

    The first field takes the focus by itself, but only once the page is drawn, which may be after it is loaded: keys
    that are typed before are lost.
    """
    await page.goto("/login")
    for label, text in (("Name", name), ("Password", password)):
        await expect(page.get_by_label(label)).to_be_focused()
        await page.keyboard.type(text)
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/payments")


async def reach(page: Page, selector: str) -> None:
    """Go on by Tab until the element has the focus, which must be seen."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await page.evaluate("selector => document.activeElement.matches(selector)", selector):
            outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"{selector} does not show that it has the focus"
            return
    raise AssertionError(f"{selector} is not reached by Tab")

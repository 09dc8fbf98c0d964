"""What auditors see of a system that runs, in a real browser: who did what, what is sealed, and proofs to check."""

import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from infra.settings.staff import DEVELOPMENT_OPERATOR, DEVELOPMENT_PASSWORD
from tests.support.browser import CHROMIUM, browser_on, log_in
from tests.support.paystream_command import paystream
from tests.support.system import System
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.broker,
    pytest.mark.skipif(CHROMIUM is None, reason="NOT CHECKED: the pages of auditors: there is no chromium"),
]


@pytest.mark.timeout(180)
async def test_an_auditor_sees_who_did_what_and_takes_proofs(system: System, tmp_path: Path) -> None:
    payment_id = str((await system.create(wait=20, capture_method="manual")).json()["id"])
    async with browser_on(system.stack.urls.back_office, 1280, "light") as page:
        await log_in(page, DEVELOPMENT_OPERATOR, DEVELOPMENT_PASSWORD)
        await cancel(page, payment_id)

        await page.get_by_role("link", name="Audit", exact=True).click()
        await page.get_by_role("link", name="Staff log").click()
        newest = page.locator("tbody tr")
        assert re.search(r"payment\.cancel_requested", await newest.nth(0).inner_text())
        assert re.search(r"ops\s+API key development", await newest.nth(0).inner_text())
        assert re.search(r"access\.staff_signed_in", await newest.nth(1).inner_text())
        await page.get_by_role("link", name=payment_id).first.click()
        await page.get_by_role("link", name="Compare its states, event by event").click()
        picture = page.locator("img.picture")
        await eventually(lambda: picture.evaluate("each => each.naturalWidth"), lambda width: width == 720)

        await compares_with_the_first_event(page)
        downloaded = await proofs(page, tmp_path, least=3)
    key = system.stack.connection_settings("audit")["PROOFS_PUBLIC_KEYS_FILE"]
    for proof in downloaded[:2]:
        checked = await paystream("audit", "check", str(proof), "--key", key, cwd=tmp_path, settings={})
        assert (checked.code, proof.stem in checked.output) == (0, True), checked


async def cancel(page: Page, payment_id: str) -> None:
    await page.goto(f"/payments/{payment_id}/cancel")
    await page.get_by_label("Reason").select_option("abandoned")
    await page.get_by_role("button", name="Cancel").click()
    await page.wait_for_url("**/payments/*done=*")


async def compares_with_the_first_event(page: Page) -> None:
    """Move the slider of the earlier state to the beginning by the keys, and back from there to what it was then."""
    history = page.url
    await page.locator("#before").press("Home")
    await expect(page.locator("output[for=before]")).to_have_text("1")
    await page.get_by_role("button", name="Compare").click()
    await page.wait_for_url("**/history?before=1&version=*")
    differs = page.locator("tbody tr", has_text="Status")
    await expect(differs.first).to_contain_text("Pending")
    then = await page.locator(".columns time").first.get_attribute("datetime")
    await page.goto(history.removesuffix("/history"))
    await page.get_by_label("See it as it was at a time").fill(str(then))
    await page.get_by_role("button", name="Show", exact=True).click()
    await page.get_by_text("This is what the payment was after event 1").wait_for()
    await page.goto(history)


async def proofs(page: Page, into: Path, *, least: int) -> Sequence[Path]:
    """Download the proofs of the payment whose history is open, once so many of its events are sealed."""
    address = await page.get_by_role("link", name="Download proofs of its events").get_attribute("href")
    assert address is not None

    async def downloaded() -> Sequence[Path]:
        answer = await page.request.get(address)
        if answer.status != 200:
            return ()
        with zipfile.ZipFile(io.BytesIO(await answer.body())) as files:
            files.extractall(into)
            return [into / name for name in sorted(files.namelist()) if name.endswith(".tlog-proof")]

    found = await eventually(downloaded, lambda proofs: len(proofs) >= least, within=60, every=1)
    assert len(found) >= least
    await page.goto("/audit")
    assert "events, up to position" in await page.locator("main").inner_text()
    return found

"""An operator rotates a key in a real browser: its successor is shown once and opens the API, the old one ends."""

import httpx
import pytest

from infra.settings.staff import DEVELOPMENT_OPERATOR, DEVELOPMENT_PASSWORD
from tests.support.browser import CHROMIUM, browser_on, log_in
from tests.support.system import System
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.broker,
    pytest.mark.skipif(CHROMIUM is None, reason="NOT CHECKED: keys in a browser: there is no chromium"),
]

NEW_KEY = {"merchant_id": None, "scopes": ["admin:read"], "days": None, "reason": "a monitor"}


@pytest.mark.timeout(180)
async def test_a_key_is_rotated_and_then_revoked_in_the_pages(system: System) -> None:
    made = (await system.command.post("/api-keys", json=NEW_KEY)).json()

    async def status(key: str) -> int:
        async with httpx.AsyncClient(base_url=system.stack.urls.command_api, verify=False) as client:
            return (await client.get("/limits", headers={"Authorization": f"Bearer {key}"})).status_code

    await eventually(lambda: status(made["key"]), lambda code: code == 200)
    async with browser_on(system.stack.urls.back_office, 360, "dark") as page:
        await log_in(page, DEVELOPMENT_OPERATOR, DEVELOPMENT_PASSWORD)
        await page.goto("/operator-keys")
        await page.get_by_role("link", name=f"Rotate {made['prefix']}").click()
        await page.get_by_label("Hours that the old key stays valid").fill("0")
        await page.get_by_label("Reason").fill("seen on a screen")
        await page.get_by_role("button", name="Rotate").click()
        await page.get_by_text("It is shown this once").wait_for()
        new = str(await page.locator("main code").first.text_content())
        assert new.startswith("psk_test_")
        assert new != made["key"]
        await eventually(lambda: status(new), lambda code: code == 200)
        await eventually(lambda: status(made["key"]), lambda code: code == 401)

        await page.goto("/operator-keys")
        assert new not in await page.content(), "no page has it again"
        await page.get_by_role("link", name=f"Revoke {new[: len(made['prefix'])]}").click()
        await page.get_by_label("Reason").fill("not needed any more")
        await page.get_by_role("button", name="Revoke").click()
        await page.get_by_text("It is revoked.").wait_for()
        await eventually(lambda: status(new), lambda code: code == 401)

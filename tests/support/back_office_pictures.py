"""Makes the pictures of `docs/back-office.md`: `make pictures`. It needs chromium.

They are taken of a system of its own, with a few payments, each as a browser shows it.
"""

import asyncio
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, async_playwright

from infra.embedded.process import processes_of
from infra.embedded.stack import Stack
from infra.settings.staff import DEVELOPMENT_PASSWORD, DEVELOPMENT_STAFF
from tests.support.browser import send_login
from tests.support.system import System

FOLDER = Path(__file__).parents[2] / "docs" / "images"


async def main() -> None:
    """Run a system, pay, and take the pictures."""
    with tempfile.TemporaryDirectory() as home:
        async with Stack(Path(home), fsync=False, processes=processes_of("together")) as stack:
            payment_id = await _payments(System(stack))
            async with async_playwright() as playwright:
                arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
                chromium = shutil.which("chromium")
                browser = await playwright.chromium.launch(executable_path=chromium, args=arguments)
                await _pictures(browser, stack.urls.back_office, f"/payments/{payment_id}")
                await browser.close()


async def _payments(system: System) -> str:
    """Make some payments; return the id of one with a history."""
    for user, amount, currency, method, capture in (
        ("customer_1002", 4990, "EUR", "pm_card_visa", "automatic"),
        ("customer_1003", 500000, "JPY", "pm_card_visa", "manual"),
        ("customer_1004", 12340, "KWD", "pm_card_visa", "automatic"),
        ("customer_1005", 8800, "EUR", "pm_card_createDispute", "automatic"),
        ("customer_1006", 5000, "USD", "pm_card_chargeDeclinedInsufficientFunds", "automatic"),
        ("customer_1007", 2500, "USD", "pm_card_authenticationRequired", "automatic"),
    ):
        fields: dict[str, Any] = {
            "user_id": user,
            "amount_cents": amount,
            "currency": currency,
            "payment_method": method,
        }
        await system.create(wait=20, capture_method=capture, **fields)
    shown = await system.create(
        wait=20, user_id="customer_1001", amount_cents=12345, description="Order 1001", metadata={"order": "A-1001"}
    )
    payment_id = str(shown.json()["id"])
    await system.command.post(
        f"/payments/{payment_id}/refund",
        json={"amount_cents": 2345, "reason": "requested_by_customer"},
        headers={"Paystream-Actor": "olga", "Prefer": "wait=20"},
    )
    await system.finished(payment_id)
    return payment_id


async def _pictures(browser: Browser, url: str, payment: str) -> None:
    for name, address, width, scheme in (
        ("payment", payment, 1100, "light"),
        ("refund", f"{payment}/refund", 1100, "dark"),
        ("phone", "/payments", 360, "dark"),
        ("overview", "/overview", 1100, "light"),
        ("ledger", "/ledger", 1100, "dark"),
    ):
        context = await browser.new_context(
            base_url=url,
            viewport={"width": width, "height": 720},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        page = await context.new_page()
        await page.goto(f"/login?next={address}")
        await send_login(page, DEVELOPMENT_STAFF, DEVELOPMENT_PASSWORD)
        await page.wait_for_url(f"**{address}")
        await page.screenshot(path=FOLDER / f"back-office-{name}.png", full_page=name in {"payment", "overview"})
        await context.close()


if __name__ == "__main__":
    asyncio.run(main())

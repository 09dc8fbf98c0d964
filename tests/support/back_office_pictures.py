"""Makes the pictures of `docs/back-office.md`: `make pictures`. It needs chromium.

They are taken of a system of its own, with a few payments, each as a browser shows it. `make pictures ARGS=--views`
makes one of every view instead, in light, in the dark and on a phone, in `build/back-office/`: to be looked at.
"""

import asyncio
import os
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, Page, async_playwright

from infra.embedded.process import processes_of
from infra.embedded.stack import Stack
from infra.settings.staff import DEVELOPMENT_OPERATOR, DEVELOPMENT_PASSWORD, DEVELOPMENT_STAFF
from tests.support.browser import send_login
from tests.support.system import System

FOLDER = Path(__file__).parents[2] / "docs" / "images"
VIEWS_FOLDER = Path(__file__).parents[2] / "build" / "back-office"
VIEWS = {
    "search": "/search?q=customer_100",
    "payment": "/payments/{payment}",
    "refund": "/payments/{payment}/refund",
    "capture": "/payments/{held}/capture",
    "customer": "/customers?user_id=customer_1001",
    "payments": "/payments?status=succeeded",
    "payment-views": "/payment-views",
    "overview": "/overview?currency=EUR",
    "reconciliation": "/reconciliations",
    "discrepancies": "/discrepancies",
    "payouts": "/payouts",
    "ledger": "/ledger",
    "entries": "/ledger/entries",
    "disputes": "/disputes?stage=all",
    "sessions": "/sessions",
}
OPERATORS_VIEWS = {
    "system": "/system",
    "tasks": "/tasks?payment_id={payment}",
    "rebuilds": "/rebuilds",
    "stripe-events": "/stripe-events",
    "webhooks": "/webhooks",
    "personal-data": "/customers/personal-data?user_id=customer_1001",
    "merchants": "/merchants",
    "new-merchant": "/new-merchant",
    "keys": "/operator-keys",
    "staff": "/staff",
    "limits": "/limits",
    "history": "/payments/{payment}/history",
    "seals": "/audit",
    "staff-log": "/audit/staff-log",
    "erasures": "/audit/erasures",
}
_LOOKS: tuple[tuple[str, int, Literal["light", "dark"]], ...] = (
    ("light", 1100, "light"),
    ("dark", 1100, "dark"),
    ("phone", 360, "light"),
)


async def main(*, views: bool) -> None:
    """Run a system, pay, and take the pictures."""
    with tempfile.TemporaryDirectory() as home:
        async with Stack(Path(home), fsync=False, processes=processes_of("together")) as stack:
            system = System(stack)
            payment_id = await _payments(system)
            if views:
                await _more(system)
            async with async_playwright() as playwright:
                arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
                chromium = shutil.which("chromium")
                browser = await playwright.chromium.launch(executable_path=chromium, args=arguments)
                if views:
                    held = (await system.query.get("/payments", params={"status": "requires_capture"})).json()["data"]
                    await _views(browser, stack.urls.back_office, {"payment": payment_id, "held": held[0]["id"]})
                else:
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


async def _more(system: System) -> None:
    """Have payouts, a reconciliation and a webhook endpoint as well."""
    available: dict[str, Any] = {"amount_cents": 70_000, "currency": "SEK", "payment_method": "pm_card_bypassPending"}
    await system.create(wait=20, user_id="customer_1008", **available)
    await system.sandbox.post("/_sandbox/payouts/run", json={})
    await system.command.post("/reconciliations", json={"date": datetime.now(UTC).date().isoformat()})
    await system.command.post("/webhook-endpoints", json={"url": "https://shop.example/paystream"})


async def _views(browser: Browser, url: str, ids: dict[str, str]) -> None:
    """Take every view in each look, whole."""
    VIEWS_FOLDER.mkdir(parents=True, exist_ok=True)
    for look, width, scheme in _LOOKS:
        for name, views in ((DEVELOPMENT_STAFF, VIEWS), (DEVELOPMENT_OPERATOR, OPERATORS_VIEWS)):
            context = await browser.new_context(
                base_url=url, viewport={"width": width, "height": 720}, color_scheme=scheme
            )
            page = await context.new_page()
            await _take(page, VIEWS_FOLDER / f"login-{look}.png", "/login")
            await send_login(page, name, DEVELOPMENT_PASSWORD)
            await page.wait_for_url("**/payments")
            for view, address in views.items():
                await _take(page, VIEWS_FOLDER / f"{view}-{look}.png", address.format(**ids))
            await context.close()


async def _take(page: Page, file: Path, address: str) -> None:
    await page.goto(address)
    await page.screenshot(path=file, full_page=True)


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
    asyncio.run(main(views="--views" in sys.argv[1:]))

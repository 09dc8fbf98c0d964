"""What staff does with payments that are real: through the pages, the two APIs, the log and the sandbox."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio

from infra.settings.staff import DEVELOPMENT_PASSWORD, DEVELOPMENT_STAFF
from tests.support.html_page import Form, HtmlPage
from tests.support.system import Json, System
from tests.support.waiting import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.broker]


class Pages:
    """The pages, as a browser without JavaScript has them."""

    def __init__(self, browser: httpx.AsyncClient) -> None:
        self._browser = browser

    async def open(self, address: str) -> HtmlPage:
        """Open a page; one that leads elsewhere is followed."""
        answer = await self._browser.get(address, follow_redirects=True)
        assert answer.status_code == 200, answer.text
        return HtmlPage(answer.text)

    async def where(self, address: str) -> str:
        """Return where an address leads to."""
        return str((await self._browser.get(address)).headers.get("location", ""))

    async def send(self, form: Form, **changes: str) -> httpx.Response:
        """Send a form."""
        return await self._browser.post(form.action, data={**form.fields, **changes})


@asynccontextmanager
async def logged_in(system: System) -> AsyncIterator[Pages]:
    async with httpx.AsyncClient(base_url=system.stack.urls.back_office, timeout=30, verify=False) as browser:
        pages = Pages(browser)
        form = (await pages.open("/login")).form("/login")
        answer = await pages.send(form, name=DEVELOPMENT_STAFF, password=DEVELOPMENT_PASSWORD)
        assert answer.headers["location"] == "/payments"
        yield pages


@pytest_asyncio.fixture
async def pages(system: System) -> AsyncIterator[Pages]:
    """Somebody is logged in."""
    async with logged_in(system) as found:
        yield found


async def paid(system: System, **fields: Any) -> Json:
    created = await system.create(wait=20, **fields)
    assert created.json()["status"] in {"succeeded", "requires_capture"}
    return await system.payment(created.json()["id"], min_position=created.json()["position"])


async def test_a_refund_that_is_sent_twice_at_once_is_one_refund(system: System, pages: Pages) -> None:
    payment = await paid(system, user_id="found_in_the_back_office")
    page = f"/payments/{payment['id']}"
    assert await pages.where(f"/search?q={payment['stripe_payment_intent_id']}") == page
    form = (await pages.open(f"{page}/refund")).form(f"{page}/refund")
    assert form.fields["amount"] == "10.00"

    both = await asyncio.gather(*(pages.send(form, amount="4", reason="requested_by_customer") for _ in range(2)))

    assert [answer.status_code for answer in both] == [303, 303]
    assert both[0].headers["location"] == both[1].headers["location"]
    position = int(httpx.URL(both[0].headers["location"]).params["min_position"])
    after = await system.finished(payment["id"], min_position=position)
    assert [refund["amount_cents"] for refund in after["refunds"]] == [400]
    assert [refund["amount"] for refund in await system.refunds(payment["id"])] == [400]
    shown = (await pages.open(both[0].headers["location"])).text
    assert "Refunded 4.00 USD" in shown
    assert "dev, with the API key development" in shown, "the log has who it was"


async def test_of_two_people_who_refund_more_than_there_is_one_is_refused(system: System, pages: Pages) -> None:
    payment = await paid(system)
    page = f"/payments/{payment['id']}/refund"
    async with logged_in(system) as of_another:
        forms = [(each, (await each.open(page)).form(page)) for each in (pages, of_another)]
        answers = await asyncio.gather(
            *(each.send(form, amount="6.00", reason="requested_by_customer") for each, form in forms)
        )
    done, refused = sorted(answers, key=lambda answer: answer.status_code)
    assert (done.status_code, refused.status_code) == (303, 422)
    shown = HtmlPage(refused.text)
    assert "greater than the amount that can be refunded (4.00 USD)" in shown.text
    assert shown.form(page).fields["amount"] == "6.00", "what was written stays"
    position = int(httpx.URL(done.headers["location"]).params["min_position"])
    after = await system.finished(payment["id"], min_position=position)
    assert [refund["amount_cents"] for refund in after["refunds"]] == [600]
    assert [refund["amount"] for refund in await system.refunds(payment["id"])] == [600]


async def test_a_refund_at_stripe_is_found_by_its_id(system: System, pages: Pages) -> None:
    payment = await paid(system)
    await system.refund(payment["id"], 100, wait=20)
    (refund,) = await system.refunds(payment["id"])

    async def leads() -> str:
        return await pages.where(f"/search?q={refund['id']}")

    await eventually(leads, lambda address: address == f"/payments/{payment['id']}", within=20)


async def test_what_an_answer_said_of_its_request_leads_to_the_payment(system: System, pages: Pages) -> None:
    created = await system.create(wait=20, amount_cents=987_61)
    page = f"/payments/{created.json()['id']}"
    await system.payment(created.json()["id"], min_position=created.json()["position"])
    assert await pages.where(f"/search?q={created.headers['X-Request-ID']}") == page
    assert await pages.where(f"/search?q={created.headers['X-Correlation-ID']}") == page
    assert await pages.where("/search?q=987.61+USD") == page


async def test_what_is_held_is_captured_in_part_and_what_waits_is_canceled(system: System, pages: Pages) -> None:
    held, other = await paid(system, capture_method="manual"), await paid(system, capture_method="manual")
    page = f"/payments/{held['id']}/capture"
    assert (await pages.send((await pages.open(page)).form(page), amount="7.50", reason="sent")).status_code == 303
    assert (await system.finished_as(held["id"], "succeeded"))["amount_captured_cents"] == 750

    page = f"/payments/{other['id']}/cancel"
    assert (await pages.send((await pages.open(page)).form(page), reason="abandoned")).status_code == 303
    await system.finished_as(other["id"], "canceled")
    assert "Canceled." in (await pages.open(f"/payments/{other['id']}")).text


async def test_more_than_is_left_is_refused_with_a_reason(system: System, pages: Pages) -> None:
    payment = await paid(system)
    page = f"/payments/{payment['id']}/refund"
    answer = await pages.send((await pages.open(page)).form(page), amount="10.01", reason="duplicate")
    assert answer.status_code == 422
    assert "greater than the amount that can be refunded (10.00 USD)" in HtmlPage(answer.text).text
    assert await system.refunds(payment["id"]) == []


async def test_a_payment_is_shown_as_it_was(system: System, pages: Pages) -> None:
    payment = await paid(system, amount_cents=5000, currency="JPY")
    shown = (await pages.open(f"/payments/{payment['id']}?version=1")).text
    assert "5,000 JPY Accepted here, not yet at Stripe." in shown
    assert "after event 1" in shown


async def test_who_has_taken_all_events_has_no_lag(system: System, pages: Pages) -> None:
    await paid(system)

    async def lags() -> list[Json] | None:
        found: list[Json] | None = (await system.command.get("/system")).json()["lags"]
        return found

    assert await eventually(lags, lambda found: found == [], within=20) == []
    shown = (await pages.open("/system")).text
    assert "projection paystream.payment None" in shown
    assert "Not counted" not in shown


@pytest.mark.parametrize("page", ["/payments", "/reconciliations", "/discrepancies", "/system", "/search?q=nothing"])
async def test_every_view_is_there(pages: Pages, page: str) -> None:
    await pages.open(page)

"""HEAD of every page answers as GET does, and changes nothing of what the next page shows."""

from collections.abc import Mapping

import httpx
import pytest

from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import PAYMENT_ID
from tests.unit.back_office.test_pages import AUDIT, LIVE, OPERATORS_PAGES, PAGES, routes

IDS = {"X-Request-ID": "r1"}


def headers(answer: httpx.Response) -> Mapping[str, str]:
    """Return them but for the token of the log-in's form, which is another one each time."""
    return {name: value for name, value in answer.headers.items() if name != "set-cookie"}


@pytest.mark.parametrize("page", ["/", "/login", "/nowhere", *PAGES, *AUDIT, *OPERATORS_PAGES, "/static/app.css"])
async def test_head_of_a_page_answers_as_get_does(back_office: BackOffice, page: str) -> None:
    await back_office.log_in("operator")
    got = await back_office.browser.get(page, headers=IDS)
    head = await back_office.browser.head(page, headers=IDS)
    if headers(head) != headers(got):  # an age that it shows has grown by a digit in between
        got = await back_office.browser.get(page, headers=IDS)
    assert (head.status_code, headers(head)) == (got.status_code, headers(got))


async def test_every_route_that_has_get_has_head(back_office: BackOffice) -> None:
    await back_office.log_in("operator")
    of_get = [(path, address) for method, path, address in routes(back_office) if method == "GET" and path != LIVE]
    assert len(of_get) > 50
    for path, address in of_get:
        got = await back_office.browser.get(address)
        head = await back_office.browser.head(address)
        assert (path, head.status_code) == (path, got.status_code)
        assert path == "/metrics" or head.content == b""


async def test_head_opens_no_stream(finance: BackOffice) -> None:
    head = await finance.browser.head(f"/payments/{PAYMENT_ID}/live")
    assert (head.status_code, head.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert finance.office.streams.open == 0


async def test_head_leaves_what_was_done_for_the_next_page_to_say(finance: BackOffice) -> None:
    (shown, *_) = finance.office.sessions.of("finance")
    shown[0].notice = "It is done."
    await finance.browser.head("/payments")
    assert "It is done." in (await finance.page("/payments")).text

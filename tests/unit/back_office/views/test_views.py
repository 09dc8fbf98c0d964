"""Saved views with a live count; columns; and the address carries all of it."""

from typing import Any

import httpx
import pytest

from back_office.views.saved import MOST, NotSaved, View, cookie_of, read, with_view, write
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import a_problem, away


async def save(office: BackOffice, name: str, address: str) -> httpx.Response:
    page = await office.page(address)
    fields = page.form("/payment-views").fields
    return await office.browser.post("/payment-views", data={**fields, "name": name})


async def test_a_view_is_saved_with_its_filters_and_columns(finance: BackOffice) -> None:
    address = "/payments?status=succeeded&user_id=a%26b&columns=amount&columns=key"
    answer = await save(finance, "Mine & <yours>", address)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/payments?status=succeeded&user_id=a%26b&columns=amount%2Ckey"
    page = await finance.page("/payment-views")
    assert answer.headers["location"] in page.links
    assert "Mine & <yours> 3" in page.text
    counted = [dict(request.url.params) for request in finance.query_api.requested if "count" in request.url.path]
    assert {"status": "succeeded", "user_id": "a&b", "at_most": "1000"} in counted


async def test_a_view_is_forgotten(finance: BackOffice) -> None:
    await save(finance, "Mine", "/payments?status=succeeded")
    token = (await finance.page("/payment-views")).form("/payment-views").fields
    await finance.browser.post("/payment-views", data={**token, "forget": "Mine"})
    assert "Mine" not in (await finance.page("/payment-views")).text


async def test_another_person_at_the_same_browser_has_their_own(back_office: BackOffice) -> None:
    await back_office.log_in("finance")
    await save(back_office, "Of finance", "/payments?status=succeeded")
    await back_office.log_in("support")
    assert "Of finance" not in (await back_office.page("/payment-views")).text


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"count": 1000, "has_more": True}, "Held, not captured over 1,000"),
        (away, "Held, not captured Wait"),
        (a_problem(503, "query_timeout"), "Held, not captured Wait"),
    ],
)
async def test_a_count_is_bounded_and_may_be_unknown(finance: BackOffice, answer: Any, said: str) -> None:
    finance.query_api.answers["GET /payment-count"] = answer
    assert said in (await finance.page("/payment-views")).text


async def test_a_view_without_a_name_is_not_saved(finance: BackOffice) -> None:
    answer = await save(finance, " ", "/payments?status=succeeded")
    assert answer.status_code == 422
    assert "needs a name" in answer.text


def test_only_so_many_views_are_kept() -> None:
    views: list[View] = []
    for number in range(MOST):
        views = with_view(views, f"View {number}", "status=succeeded")
    assert with_view(views, "View 3", "status=failed")[-1].query == "status=failed"
    with pytest.raises(NotSaved, match="forget one"):
        with_view(views, "One more", "status=succeeded")
    with pytest.raises(NotSaved, match="forget one"):
        with_view(with_view([], "Long", "user_id=" + "x" * 1900), "Long too", "user_id=" + "y" * 1900)
    assert read(write(views)) == views


@pytest.mark.parametrize("cookie", ["", "!", "e30=", "WzFd", "W1sxLDIsM11d", "bnVsbA==", "ü"])
def test_a_cookie_that_is_not_understood_has_no_views(cookie: str) -> None:
    assert read(cookie) == []


def test_what_a_cookie_says_is_no_more_than_an_address() -> None:
    forged = write([View(name="x" * 99, query='status=succeeded&evil=1&cursor=2"><script>')])
    (view,) = read(forged)
    assert (len(view.name), view.query) == (40, "status=succeeded")
    assert cookie_of("anna") != cookie_of("bert")


async def test_the_columns_that_are_chosen_are_shown_and_stay(finance: BackOffice) -> None:
    page = await finance.page("/payments?columns=key&columns=captured,nothing")
    assert "Captured Idempotency key Payment 10.00 USD order-1001" in page.text
    assert "Made" not in page.text.partition("Captured Idempotency key Payment")[2]
    usual = await finance.page("/payments?columns=nothing")
    assert "Made Amount State User Payment" in usual.text

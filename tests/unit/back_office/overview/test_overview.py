"""The overview: every day, sums that add up, and each number leads to its rows."""

from datetime import date
from typing import Any

import pytest

from back_office.overview.figures import currencies, figures
from back_office.overview.filters import Days, OverviewFilters
from schemas.http.totals import LedgerTotals, PaymentTotals
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import a_problem, example

DAYS = Days(first=date(2026, 5, 1), last=date(2026, 5, 3))
MONEY = example(LedgerTotals)["data"][0]
RANGE = "from_day=2026-05-01&to_day=2026-05-31"


def counted(day: str, status: str, refusal: str | None, payments: int, **changes: Any) -> dict[str, Any]:
    total = example(PaymentTotals)["data"][0]
    return {**total, "date": day, "status": status, "refusal_code": refusal, "payments": payments, **changes}


def test_every_day_is_there_and_the_sums_are_those_of_the_days() -> None:
    payments = [
        counted("2026-05-01", "succeeded", None, 6),
        counted("2026-05-01", "requires_payment_method", "insufficient_funds", 2),
        counted("2026-05-02", "failed", "insufficient_funds", 1),
        counted("2026-05-02", "canceled", "expired_card", 1),
        counted("2026-05-02", "processing", None, 5),
        counted("2026-05-02", "succeeded", None, 9, currency="JPY"),
    ]
    shown = figures("USD", DAYS, [MONEY, {**MONEY, "currency": "JPY"}], payments)
    assert [day.date.day for day in shown.days] == [1, 2, 3]
    assert [day.money["net"] for day in shown.days] == [89_800, 0, 0]
    assert (shown.outcomes.made, shown.outcomes.succeeded, shown.outcomes.declined) == (15, 6, 4)
    assert shown.outcomes.rate == 60.0
    assert shown.days[2].outcomes.rate is None
    assert [(each.code, each.payments, each.width) for each in shown.declines] == [
        ("insufficient_funds", 3, 1000),
        ("expired_card", 1, 333),
    ]
    assert currencies([MONEY], payments) == ["USD", "JPY"]


def test_a_payment_that_was_refused_and_succeeded_since_is_no_decline() -> None:
    shown = figures("USD", DAYS, [], [counted("2026-05-01", "succeeded", None, 1)])
    assert shown.declines == []
    assert shown.outcomes.rate == 100.0


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [
        ({}, date(2026, 5, 2), date(2026, 5, 31)),
        ({"to_day": "2026-03-31"}, date(2026, 3, 2), date(2026, 3, 31)),
        ({"from_day": "2026-05-30"}, date(2026, 5, 30), date(2026, 5, 31)),
        ({"from_day": "2026-06-05"}, date(2026, 6, 5), date(2026, 6, 5)),
    ],
)
def test_thirty_days_unless_something_is_said(given: dict[str, str], first: date, last: date) -> None:
    days, wrong = OverviewFilters(**given).days(date(2026, 5, 31))
    assert (days, wrong) == (Days(first=first, last=last), {})


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from_day=may", "A day, as"),
        ("from_day=2026-05-02&to_day=2026-05-01", "Not before the first day"),
        ("from_day=2020-05-02&to_day=2026-05-01", "At most 366 days"),
        ("to_day=0001-01-01", "A day, as"),
        ("currency=euro", "Three letters"),
    ],
)
async def test_what_is_wrong_is_marked_and_nothing_is_asked(finance: BackOffice, query: str, said: str) -> None:
    assert said in (await finance.page(f"/overview?{query}", 422)).text
    assert finance.query_api.requested == []


async def test_each_number_leads_to_its_rows(finance: BackOffice) -> None:
    page = await finance.page(f"/overview?{RANGE}")
    for said in ("1,000.00 USD", "898.00 USD", "Insufficient funds", "0.0 %"):
        assert said in page.text
    day = "currency=USD&from_day=2026-05-01&to_day=2026-05-01"
    assert f"/ledger/entries?account=refunds&{day}" in page.links
    assert f"/payments?{day}&status=succeeded" in page.links
    assert f"/overview?{day}#declines" in page.links
    assert "declines" in page.ids
    assert f"/payments?currency=USD&{RANGE}&refusal_code=insufficient_funds" in page.links
    parameters = [dict(request.url.params) for request in finance.query_api.requested]
    assert parameters == [{"date_from": "2026-05-01", "date_to": "2026-05-31", "time_zone": "UTC"}] * 2


async def test_days_on_which_nothing_happened_say_so(finance: BackOffice) -> None:
    for path in ("/ledger/totals", "/payment-totals"):
        finance.query_api.answers[f"GET {path}"] = {"data": []}
    assert "Nothing happened in these days" in (await finance.page("/overview")).text


async def test_totals_that_are_not_built_yet_are_said_to_be(finance: BackOffice) -> None:
    finance.query_api.answers["GET /payment-totals"] = a_problem(503, "projection_not_built", "An operator builds them")
    assert "An operator builds them" in (await finance.page("/overview", 503)).text

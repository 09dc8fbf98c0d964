"""The list of payments: its filters stand in the address, and what is written wrongly asks for nothing."""

import pytest

from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import PAYMENT_ID, a_page, a_payment, away


def requested(back_office: BackOffice) -> dict[str, str]:
    return dict(back_office.query_api.requested[-1].url.params)


async def test_payments_are_shown_with_a_link_to_each(finance: BackOffice) -> None:
    page = await finance.page("/payments")
    assert f"/payments/{PAYMENT_ID}" in page.links
    assert "10.00 USD" in page.text
    assert requested(finance) == {"limit": "25"}


async def test_filters_are_asked_for_and_shown_again(finance: BackOffice) -> None:
    query = (
        "status=succeeded&user_id=u%261&currency=eur&from_day=2026-05-01&to_day=2026-05-31&amount_min=1&amount_max=2.50"
    )
    page = await finance.page(f"/payments?{query}")
    assert requested(finance) == {
        "status": "succeeded",
        "user_id": "u&1",
        "currency": "EUR",
        "created_after": "2026-04-30T23:59:59.999999+00:00",
        "created_before": "2026-06-01T00:00:00+00:00",
        "amount_min": "100",
        "amount_max": "250",
        "limit": "25",
    }
    fields = page.form("/payments").fields
    assert (fields["status"], fields["user_id"], fields["amount_max"]) == ("succeeded", "u&1", "2.50")


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("decimal_amount=1,234.50", {"decimal_amount": "1234.50"}),
        ("decimal_amount=500&currency=jpy", {"decimal_amount": "500", "currency": "JPY"}),
        ("decimal_amount=12.34+usd", {"decimal_amount": "12.34", "currency": "USD"}),
        ("request_id=req-1&correlation_id=cor-1", {"request_id": "req-1", "correlation_id": "cor-1"}),
    ],
)
async def test_an_amount_and_ids_of_requests_are_filters(
    finance: BackOffice, written: str, found: dict[str, str]
) -> None:
    page = await finance.page(f"/payments?{written}")
    assert requested(finance) == found | {"limit": "25"}
    name = written.partition("=")[0]
    assert page.form("/payments").fields[name] == written.partition("=")[2].split("&")[0].replace("+", " ")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("amount_min=10", "An amount needs its currency"),
        ("amount_min=1.5&currency=JPY", "no digits after the point"),
        ("currency=euro", "Three letters"),
        ("decimal_amount=10,50", "A number as 12.34"),
        ("decimal_amount=10.50&currency=JPY", "with the decimals of its currency"),
        ("decimal_amount=10+EUR&currency=USD", "A number as 12.34"),
        ("from_day=2026-05-02&to_day=2026-05-01", "Not before the first day."),
        ("currency=ZZZ", "Stripe charges no such currency."),
        ("from_day=yesterday", "A day, as"),
        ("to_day=2026-02-30", "A day, as"),
        ("from_day=0001-01-01", "A day, as"),
    ],
)
async def test_a_filter_that_is_wrong_is_marked_and_nothing_is_asked(
    finance: BackOffice, query: str, said: str
) -> None:
    page = await finance.page(f"/payments?{query}", status=422)
    assert said in page.text
    assert finance.query_api.requested == []


async def test_the_next_page_keeps_the_filters(finance: BackOffice) -> None:
    finance.query_api.answers["GET /payments"] = a_page(a_payment(), cursor="abc==")
    (older,) = [link for link in (await finance.page("/payments?user_id=u%261")).links if "cursor" in link]
    page = await finance.page(older)
    assert requested(finance) == {"user_id": "u&1", "cursor": "abc==", "limit": "25"}
    assert "/payments?user_id=u%261" in page.links, "back to the newest"


@pytest.mark.parametrize(
    ("query", "said"),
    [("", "no payments yet"), ("?user_id=x", "fits these filters"), ("?cursor=x", "no older payments")],
)
async def test_an_empty_list_says_what_to_do(finance: BackOffice, query: str, said: str) -> None:
    finance.query_api.answers["GET /payments"] = a_page()
    assert said in (await finance.page(f"/payments{query}")).text


async def test_a_list_without_its_api_says_so(finance: BackOffice) -> None:
    finance.query_api.answers["GET /payments"] = away
    assert "query API does not answer" in (await finance.page("/payments", status=503)).text


async def test_a_choice_of_two_is_yes_or_no(finance: BackOffice) -> None:
    text = (await finance.page("/payments")).text
    assert "Ever disputed Any Yes No" in text
    assert "Contradicted by Stripe Any Yes No" in text

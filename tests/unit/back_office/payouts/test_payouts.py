"""Payouts, and what each pays."""

from typing import Any

import httpx
import pytest

from schemas.http.payouts import PaidTransactionPage, PayoutView
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import PAYOUT_ID, a_page, a_problem, an_entry, away, example

PATH = f"/payouts/{PAYOUT_ID}"
PAID = example(PaidTransactionPage)["data"][0]


async def test_the_list_leads_to_each_payout_and_keeps_its_filters(finance: BackOffice) -> None:
    finance.query_api.answers["GET /payouts"] = a_page(example(PayoutView), cursor="next")
    page = await finance.page("/payouts?status=paid&currency=usd&from_day=2026-05-01&to_day=2026-05-01")
    assert PATH in page.links
    assert "1,250.00 USD At the bank" in page.text
    assert dict(finance.query_api.requested[-1].url.params) == {
        "status": "paid",
        "currency": "usd",
        "since": "2026-05-01T00:00:00+00:00",
        "until": "2026-05-02T00:00:00+00:00",
        "limit": "25",
    }
    (older,) = [link for link in page.links if "cursor=" in link]
    assert "status=paid" in older


async def test_a_payout_shows_what_it_pays_and_whether_that_is_all(finance: BackOffice) -> None:
    finance.query_api.answers[f"GET {PATH}"] = {**example(PayoutView), "amount": 941}
    finance.query_api.answers["GET /ledger/entries"] = a_page(an_entry(source_id=PAYOUT_ID, payment_id=None))
    page = await finance.page(PATH)
    assert "10.00 USD 0.59 USD 9.41 USD" in page.text
    assert "not the payout's amount" not in page.text
    assert "/search?q=ch_3PXample" in page.links
    assert finance.query_api.requested[-1].url.params["source_id"] == PAYOUT_ID

    finance.query_api.answers[f"GET {PATH}"] = {**example(PayoutView), "amount": 942}
    assert "not the payout's amount" in (await finance.page(PATH)).text


async def test_a_page_of_many_claims_no_sum(finance: BackOffice) -> None:
    finance.command_api.answers[f"GET {PATH}/transactions"] = a_page(PAID, cursor="txn_1")
    page = await finance.page(PATH)
    assert "All of it" not in page.text
    assert f"{PATH}?cursor=txn_1" in page.links
    finance.command_api.answers[f"GET {PATH}/transactions"] = a_page(PAID)
    last = await finance.page(f"{PATH}?cursor=txn_1")
    assert "All of it" not in last.text
    assert finance.command_api.requested[-1].url.params["cursor"] == "txn_1"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (away, "does not answer"),
        (a_problem(404, "payout_items_unknown"), "automatic ones only"),
        (a_problem(503, "stripe_throttled"), "Stripe does not answer now"),
        (httpx.Response(200, json=a_page()), "names nothing that it pays yet"),
    ],
)
async def test_the_rest_is_shown_when_stripe_tells_nothing(finance: BackOffice, answer: Any, said: str) -> None:
    finance.command_api.answers[f"GET {PATH}/transactions"] = answer
    page = await finance.page(PATH)
    assert said in page.text
    assert "1,250.00 USD" in page.text


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("", 200, "no payouts yet"),
        ("?status=failed", 200, "No payout fits"),
        ("?from_day=1.5.2026", 422, "A day, as"),
        ("?from_day=2026-05-02&to_day=2026-05-01", 422, "Not before the first day."),
        ("?currency=euro", 422, "Three letters"),
    ],
)
async def test_nothing_to_show_says_what_to_do(finance: BackOffice, query: str, status: int, said: str) -> None:
    finance.query_api.answers["GET /payouts"] = a_page()
    assert said in (await finance.page(f"/payouts{query}", status)).text


async def test_a_payout_that_is_not_known_is_a_page(finance: BackOffice) -> None:
    assert "Nothing here has this id" in (await finance.page("/payouts/po_none", 404)).text

"""The trial balance of any day, and from an account down to the event."""

import pytest

from schemas.http.ledger import TrialBalance
from tests.unit.back_office.conftest import BackOffice, opened, settings
from tests.unit.back_office.fake_apis import PAYMENT_ID, FakeApi, a_page, an_entry, example


async def test_both_sides_are_shown_and_lead_to_the_entries(finance: BackOffice) -> None:
    page = await finance.page("/ledger?day=2026-05-31")
    assert "USD Both sides are equal" in page.text
    assert "Together 10.00 USD 10.00 USD 0.00 USD" in page.text
    assert "/ledger/entries?account=stripe_clearing&currency=USD&to_day=2026-05-31" in page.links
    assert finance.query_api.requested[-1].url.params["as_of"] == "2026-05-31T23:59:59.999999+00:00"


async def test_a_day_ends_in_the_business_zone(query_api: FakeApi, command_api: FakeApi) -> None:
    async with opened(settings(reconciliation_time_zone="Europe/Berlin"), query_api, command_api) as office:
        await office.log_in()
        page = await office.page("/ledger?day=2026-05-31")
        assert "Europe/Berlin" in page.text
        assert query_api.requested[-1].url.params["as_of"] == "2026-05-31T21:59:59.999999+00:00"
        query_api.answers["GET /ledger/entries"] = a_page(an_entry())
        entries = await office.page("/ledger/entries?from_day=2026-03-29&to_day=2026-03-29")
        assert "2026-11-22 19:37:00 UTC (20:37 CET)" in entries.text
        parameters = query_api.requested[-1].url.params
        assert (parameters["since"], parameters["until"]) == ("2026-03-28T23:00:00+00:00", "2026-03-29T22:00:00+00:00")


async def test_sides_that_differ_are_said_to(finance: BackOffice) -> None:
    shown = example(TrialBalance)
    shown["data"][0]["credit"] = 900
    finance.query_api.answers["GET /ledger/trial-balance"] = shown
    text = (await finance.page("/ledger")).text
    assert "The sides differ" in text
    assert "1.00 USD" in text


async def test_an_entry_leads_to_its_event_its_source_and_its_accounts(finance: BackOffice) -> None:
    finance.query_api.answers["GET /ledger/entries"] = a_page(an_entry(), cursor="abc")
    page = await finance.page("/ledger/entries?account=refunds&currency=USD")
    assert f"/payments/{PAYMENT_ID}#event-42" in page.links
    assert "/ledger/entries?source_id=ch_3PXample" in page.links
    assert "/ledger/entries?account=stripe_clearing&currency=USD" in page.links
    assert "debit 10.00 USD" in page.text
    assert "/ledger/entries?account=refunds&currency=USD&cursor=abc" in page.links
    assert dict(finance.query_api.requested[-1].url.params) == {
        "account": "refunds",
        "currency": "USD",
        "limit": "25",
    }


@pytest.mark.parametrize(
    ("page", "status", "said"),
    [
        ("/ledger", 200, "Nothing is posted yet"),
        ("/ledger?day=2011-01-01", 200, "Nothing was posted by then"),
        ("/ledger?day=today", 422, "A day, as"),
        ("/ledger/entries", 200, "Nothing is posted yet"),
        ("/ledger/entries?account=bank", 200, "No entry fits"),
        ("/ledger/entries?to_day=9999-12-31", 422, "A day, as"),
        ("/ledger/entries?from_day=2026-05-02&to_day=2026-05-01", 422, "Not before the first day."),
    ],
)
async def test_nothing_to_show_says_what_to_do(finance: BackOffice, page: str, status: int, said: str) -> None:
    finance.query_api.answers["GET /ledger/trial-balance"] = {"as_of": None, "data": []}
    finance.query_api.answers["GET /ledger/entries"] = a_page()
    assert said in (await finance.page(page, status)).text

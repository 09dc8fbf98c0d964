"""Runs and discrepancies."""

import pytest

from schemas.http.reconciliations import DiscrepancyView, ReconciliationView
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import PAYMENT_ID, a_page, example

RUN = example(ReconciliationView)
DISCREPANCY = example(DiscrepancyView)


async def test_the_days_lead_to_their_runs(finance: BackOffice) -> None:
    page = await finance.page("/reconciliations?status=completed")
    assert f"/reconciliations/{RUN['id']}" in page.links
    assert "2026-05-01" in page.text
    assert dict(finance.query_api.requested[-1].url.params) == {"status": "completed", "limit": "25"}


async def test_a_run_shows_totals_with_their_difference_and_what_it_found(finance: BackOffice) -> None:
    page = await finance.page(f"/reconciliations/{RUN['id']}")
    for said in ("1,200.00 USD", "1,190.00 USD", "10.00 USD", "Missing here", "ch_3PXample"):
        assert said in page.text
    assert f"/payments/{PAYMENT_ID}" in page.links
    assert finance.query_api.requested[-1].url.params["reconciliation_id"] == RUN["id"]


async def test_rows_of_another_system_are_no_difference(finance: BackOffice) -> None:
    totals = {**RUN["totals"][0], "foreign_rows": 1, "foreign_amount": 1000}
    finance.query_api.answers[f"GET /reconciliations/{RUN['id']}"] = {**RUN, "totals": [totals]}
    text = (await finance.page(f"/reconciliations/{RUN['id']}")).text
    assert "0.00 USD without 1 row of another system" in text


async def test_a_run_of_the_first_releases_is_shown_too(finance: BackOffice) -> None:
    totals = {name: value for name, value in RUN["totals"][0].items() if not name.startswith("foreign")}
    finance.query_api.answers[f"GET /reconciliations/{RUN['id']}"] = {**RUN, "totals": [totals]}
    assert "1,200.00 USD" in (await finance.page(f"/reconciliations/{RUN['id']}")).text


async def test_a_run_that_failed_says_why(finance: BackOffice) -> None:
    failed = {**RUN, "status": "failed", "failure": "Stripe is away", "totals": [], "completed_at": None}
    finance.query_api.answers[f"GET /reconciliations/{RUN['id']}"] = failed
    assert "Failed Stripe is away" in (await finance.page(f"/reconciliations/{RUN['id']}")).text


async def test_discrepancies_show_both_sides_and_who_said_why(finance: BackOffice) -> None:
    explained = {**DISCREPANCY, "status": "explained", "actor": "olga", "reason": "made in the dashboard"}
    finance.query_api.answers["GET /discrepancies"] = a_page(explained, cursor="next")
    page = await finance.page("/discrepancies?status=unresolved&kind=missing_here")
    for said in ("Missing here", "10.00 USD", "Nothing", "Explained", "made in the dashboard", "olga"):
        assert said in page.text
    (older,) = [link for link in page.links if "cursor=" in link]
    assert "status=unresolved" in older
    assert "kind=missing_here" in older


@pytest.mark.parametrize(
    ("page", "said"),
    [("/reconciliations", "No day is reconciled yet"), ("/discrepancies?kind=fee", "No discrepancy fits")],
)
async def test_nothing_to_show_says_what_to_do(finance: BackOffice, page: str, said: str) -> None:
    finance.query_api.answers |= {"GET /reconciliations": a_page(), "GET /discrepancies": a_page()}
    assert said in (await finance.page(page)).text


@pytest.mark.parametrize("place", ["/reconciliations", "/discrepancies"])
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("date_from=tomorrow", "A day, as 2026-05-01."),
        ("date_to=2026-13-01", "A day, as 2026-05-01."),
        ("date_from=2026-05-02&date_to=2026-05-01", "Not before the first day."),
    ],
)
async def test_wrong_days_are_marked_and_nothing_is_asked(
    finance: BackOffice, place: str, query: str, said: str
) -> None:
    page = await finance.page(f"{place}?{query}", 422)
    assert said in page.text
    assert "correct the filters that are marked" in page.text
    assert not [each for each in finance.query_api.requested if each.url.path == place]


async def test_a_worklist_is_one_click_away(finance: BackOffice) -> None:
    page = await finance.page("/discrepancies")
    assert "Discrepancies Unresolved Mine All" in page.text
    assert {"/discrepancies?status=unresolved", "/discrepancies?status=unresolved&assignee=finance"} <= set(page.links)

"""Disputes by due date: what needs evidence, until when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from back_office.disputes.due import due_of
from schemas.http.disputes import ListedDispute
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import PAYMENT_ID, a_page, example

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def a_dispute(**changes: Any) -> dict[str, Any]:
    dispute = {**example(ListedDispute), **changes}
    ListedDispute.model_validate(dispute)
    return dispute


@pytest.mark.parametrize(
    ("left", "said", "tone"),
    [
        (timedelta(days=8, hours=3), "8 days left", "wait"),
        (timedelta(days=2, hours=23), "2 days left", "bad"),
        (timedelta(days=1), "1 day left", "bad"),
        (timedelta(hours=5, minutes=59), "5 hours left", "bad"),
        (timedelta(minutes=10), "1 hour left", "bad"),
        (timedelta(0), "The time is over", "bad"),
    ],
)
def test_how_much_time_is_left_is_said_in_words(left: timedelta, said: str, tone: str) -> None:
    due = due_of(a_dispute(evidence_due_by=(NOW + left).isoformat()), NOW)
    assert (due.left, due.left_tone) == (said, tone)


@pytest.mark.parametrize("status", ["under_review", "won", "lost", "warning_closed", "of_next_year"])
def test_what_waits_for_nothing_from_us_has_no_time_left(status: str) -> None:
    assert due_of(a_dispute(status=status), NOW).left == ""


async def test_those_that_need_evidence_come_first_with_their_payment(back_office: BackOffice) -> None:
    await back_office.log_in("support")
    back_office.query_api.answers["GET /disputes"] = a_page(a_dispute(), cursor="next")
    page = await back_office.page("/disputes")
    assert dict(back_office.query_api.requested[-1].url.params) == {"limit": "25", "stage": "needs_response"}
    for said in ("2026-12-09 23:59:59 UTC", "Needs evidence", "10.00 USD", "Fraudulent", "Taken back by the bank"):
        assert said in page.text
    assert f"/payments/{PAYMENT_ID}" in page.links
    assert "/disputes?stage=needs_response&cursor=next" in page.links


async def test_another_stage_stands_in_the_address(finance: BackOffice) -> None:
    finance.query_api.answers["GET /disputes"] = a_page()
    await finance.page("/disputes?stage=closed&cursor=c")
    assert dict(finance.query_api.requested[-1].url.params) == {"limit": "25", "stage": "closed", "cursor": "c"}
    await finance.page("/disputes?stage=all")
    assert dict(finance.query_api.requested[-1].url.params) == {"limit": "25"}


async def test_when_nothing_waits_it_says_so(finance: BackOffice) -> None:
    finance.query_api.answers["GET /disputes"] = a_page()
    assert "No dispute waits for evidence" in (await finance.page("/disputes")).text

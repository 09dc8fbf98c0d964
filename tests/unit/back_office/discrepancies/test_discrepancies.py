"""The worklist of differences: explain, resolve and assign, with a reason and by name."""

import re
from typing import Any

import httpx
import pytest

from schemas.http.reconciliations import DiscrepancyView
from tests.support.html_page import HtmlPage
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import a_page, a_problem, away, body_of, example

DISCREPANCY = example(DiscrepancyView)
PLACE = f"/discrepancies/{DISCREPANCY['id']}"


def answers(office: BackOffice, name: str, answer: Any) -> None:
    office.command_api.answers[f"POST {PLACE}/{name}"] = answer


async def test_the_worklist_says_whose_each_is_and_for_how_long(finance: BackOffice) -> None:
    finance.query_api.answers["GET /discrepancies"] = a_page(
        {**DISCREPANCY, "assignee": "bo", "opened_at": "2026-05-02T04:00:07.250Z"}
    )
    page = await finance.page("/discrepancies?assignee=bo")
    assert finance.query_api.requested[-1].url.params["assignee"] == "bo"
    assert re.search(r"\bbo found [0-9]+ days ago\b", page.text)
    assert {f"{PLACE}/{name}" for name in ("explain", "resolve", "assign")} <= set(page.links)


@pytest.mark.parametrize(
    ("name", "fields", "body"),
    [
        ("explain", {"reason": "made in the Dashboard"}, {"reason": "made in the Dashboard"}),
        ("resolve", {"reason": "refunded by hand"}, {"reason": "refunded by hand"}),
        ("assign", {"assignee": "bo"}, {"assignee": "bo"}),
    ],
)
async def test_what_is_decided_is_sent_by_name_and_said(
    finance: BackOffice, name: str, fields: dict[str, str], body: dict[str, str]
) -> None:
    answers(finance, name, {"said": "It is done."})
    answer = await finance.send(f"{PLACE}/{name}", **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/discrepancies?status=unresolved")
    (command,) = finance.command_api.commands()
    assert body_of(command) == body
    assert command.headers["paystream-actor"] == "finance"
    assert "It is done." in (await finance.page("/discrepancies")).text
    assert "It is done." not in (await finance.page("/discrepancies")).text, "it is said once"


async def test_without_a_reason_nothing_is_sent_and_the_field_says_so(finance: BackOffice) -> None:
    answer = await finance.send(f"{PLACE}/explain", reason=" ")
    assert answer.status_code == 422
    assert "Say why" in HtmlPage(answer.text).text
    assert finance.command_api.commands() == []


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (a_problem(409, "operation_refused", "It is resolved."), 409, "It is resolved."),
        (a_problem(422, "card_number_refused", "The body holds a card number"), 422, "card number"),
        (away, 503, "may have done this, or not"),
    ],
)
async def test_what_stands_in_the_way_is_said_and_the_text_stays(
    finance: BackOffice, answer: Any, status: int, said: str
) -> None:
    answers(finance, "explain", answer)
    got = await finance.send(f"{PLACE}/explain", reason="a long and careful text")
    assert got.status_code == status
    page = HtmlPage(got.text)
    assert said in page.text
    assert "a long and careful text" in page.text


async def test_what_is_resolved_already_has_no_form(finance: BackOffice) -> None:
    finance.query_api.answers[f"GET {PLACE}"] = {**DISCREPANCY, "status": "resolved"}
    assert "come to an end meanwhile" in (await finance.page(f"{PLACE}/explain")).text


async def test_a_session_that_ends_in_the_middle_loses_no_text(finance: BackOffice) -> None:
    form = (await finance.page(f"{PLACE}/assign")).form(f"{PLACE}/assign")
    finance.browser.cookies.clear()
    sent = await finance.browser.post(
        form.action, data={**form.fields, "assignee": "bo", "reason": "knows the bank & us"}
    )
    again = await finance.log_in("finance", then=httpx.URL(sent.headers["location"]).params["next"])
    page = await finance.page(again.headers["location"])
    kept = page.form(f"{PLACE}/assign").fields
    assert (kept["assignee"], kept["reason"]) == ("bo", "knows the bank & us")

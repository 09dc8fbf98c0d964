"""What operators do about tasks, sagas, dead letters and contradictions: the same form, sent by name."""

from typing import Any

import pytest

from schemas.http.dead_letters import DeadLetterDetail
from schemas.http.payment_views import ContradictionView
from schemas.http.sagas import SagaView
from schemas.http.tasks import TaskView
from tests.support.html_page import HtmlPage
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import PAYMENT_ID, a_payment, body_of, example

TASK = f"/tasks/{example(TaskView)['id']}"
SAGA = f"/sagas/{example(SagaView)['id']}"
LETTER = f"/dead-letters/{example(DeadLetterDetail)['id']}"
PAYMENT = f"/payments/{PAYMENT_ID}"


@pytest.mark.parametrize("page", ["/tasks", "/sagas", "/dead-letters"])
async def test_when_nothing_is_stuck_it_says_so(operator: BackOffice, page: str) -> None:
    operator.command_api.answers[f"GET {page}"] = {"data": [], "count": 0}
    assert "No" in (await operator.page(page)).text


@pytest.mark.parametrize(
    ("path", "fields", "body"),
    [
        (f"{TASK}/retry", {"reason": "Stripe is back"}, {"reason": "Stripe is back"}),
        (f"{TASK}/give-up", {"reason": "checked", "force": "yes"}, {"reason": "checked", "force": True}),
        (f"{SAGA}/retry", {"reason": "Stripe is back"}, {"reason": "Stripe is back"}),
        (f"{SAGA}/give-up", {"reason": "by hand"}, {"reason": "by hand"}),
        (f"{LETTER}/replay", {"reason": "corrected"}, {"reason": "corrected"}),
        (f"{LETTER}/discard", {"reason": "a test record"}, {"reason": "a test record"}),
        (f"{PAYMENT}/accept", {"reason": "seen there"}, {"reason": "seen there"}),
    ],
)
async def test_an_operation_is_sent_by_name_and_what_was_done_is_said(
    operator: BackOffice, path: str, fields: dict[str, str], body: dict[str, Any]
) -> None:
    operator.query_api.answers[f"GET {PAYMENT}"] = a_payment(contradictions=[example(ContradictionView)])
    operator.command_api.answers[f"POST {path}"] = {"said": "It was done so."}
    answer = await operator.send(path, **fields)
    assert answer.status_code == 303, HtmlPage(answer.text).text
    (command,) = operator.command_api.commands()
    assert (body_of(command), command.headers["paystream-actor"]) == (body, "operator")
    assert "It was done so." in (await operator.page(answer.headers["location"])).text


async def test_what_was_resolved_meanwhile_has_no_form(operator: BackOffice) -> None:
    operator.command_api.answers[f"GET {LETTER}"] = {**example(DeadLetterDetail), "status": "applied", "queue": []}
    operator.command_api.answers[f"GET {TASK}"] = {**example(TaskView), "status": "done"}
    for page in (f"{LETTER}/replay", f"{LETTER}/discard", f"{TASK}/retry", f"{PAYMENT}/accept"):
        assert "come to an end meanwhile" in (await operator.page(page)).text


async def test_who_may_not_operate_is_shown_no_way_to(finance: BackOffice) -> None:
    for page in ("/tasks", LETTER, SAGA):
        links = (await finance.page(page)).links
        assert not [link for link in links if link.endswith(("/retry", "/give-up", "/replay", "/discard"))]

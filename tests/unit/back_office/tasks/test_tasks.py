"""Calls to Stripe that are stuck, and what operators do about them."""

from schemas.http.tasks import TaskView
from tests.support.html_page import HtmlPage
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import PAYMENT_ID, a_problem, example

TASK = f"/tasks/{example(TaskView)['id']}"


async def test_calls_that_are_stuck_are_shown_and_others_when_asked_for(operator: BackOffice) -> None:
    page = await operator.page("/tasks")
    assert operator.command_api.requested[-1].url.params.get_list("status") == ["dead", "unknown"]
    assert {f"{TASK}/retry", f"{TASK}/give-up"} <= set(page.links)
    assert "500 api_error" in page.text
    await operator.page("/tasks?which=waiting")
    assert operator.command_api.requested[-1].url.params.get_list("status") == ["due", "leased"]


async def test_all_calls_of_a_payment_are_shown_done_or_not(operator: BackOffice) -> None:
    done = {**example(TaskView), "status": "done", "last_error": None}
    operator.command_api.answers["GET /tasks"] = {"data": [done], "count": 1}
    page = await operator.page(f"/tasks?payment_id={PAYMENT_ID}")
    sent = operator.command_api.requested[-1].url.params
    assert (sent["payment_id"], "done" in sent.get_list("status")) == (PAYMENT_ID, True)
    assert "Done tried" in page.text
    assert f"/tasks/{done['id']}/retry" not in page.links, "there is nothing to do about it"


async def test_what_may_have_happened_is_not_given_up_lightly(operator: BackOffice) -> None:
    refusal = a_problem(409, "operation_refused", "Stripe may have done it. If you are sure: --force")
    operator.command_api.answers[f"POST {TASK}/give-up"] = refusal
    answer = await operator.send(f"{TASK}/give-up", reason="I think so")
    page = HtmlPage(answer.text)
    assert answer.status_code == 409
    assert "Stripe may have done it. If you are sure, tick the box." in page.text
    assert page.form(f"{TASK}/give-up").fields["reason"] == "I think so"

"""Refund, capture and cancel: what is sent, that it is sent once, and what a refusal leaves behind."""

from typing import Any

import httpx
import pytest

from schemas.http.payment_views import DisputeView
from tests.support.html_page import HtmlPage
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import PAYMENT_ID, a_payment, a_problem, a_refund, away, body_of, example

PAGE = f"/payments/{PAYMENT_ID}"
REFUND = f"{PAGE}/refund"
HELD = {"status": "requires_capture", "amount_captured_cents": 0, "amount_capturable_cents": 1000}
IN_USE = a_problem(409, "idempotency_key_in_use", Retry_After="0")


async def test_a_refund_is_sent_with_amount_reason_key_and_who_it_is(finance: BackOffice) -> None:
    answer = await finance.send(REFUND, amount="5.5", reason="duplicate")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{PAGE}?done=refund&min_position=47"
    (sent,) = finance.command_api.commands()
    assert body_of(sent) == {"amount_cents": 550, "reason": "duplicate"}
    assert sent.headers["paystream-actor"] == "finance"
    assert sent.headers["idempotency-key"].startswith("back-office-")
    assert sent.headers["x-correlation-id"] == answer.headers["x-correlation-id"]


async def test_the_same_form_sent_twice_carries_the_same_key(finance: BackOffice) -> None:
    fields = {**(await finance.page(REFUND)).form(REFUND).fields, "reason": "duplicate"}
    for _ in range(2):
        assert (await finance.browser.post(REFUND, data=fields)).status_code == 303
    first, second = finance.command_api.commands()
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    again = (await finance.page(REFUND)).form(REFUND).fields
    assert again["key"] != fields["key"], "a form that is opened anew is another refund"


async def test_the_second_click_waits_for_the_answer_of_the_first(finance: BackOffice) -> None:
    answers = iter([IN_USE, IN_USE, httpx.Response(202, json={"position": 47})])
    finance.command_api.answers[f"POST {REFUND}"] = lambda _: next(answers)
    assert (await finance.send(REFUND, reason="duplicate")).status_code == 303
    assert len({request.headers["idempotency-key"] for request in finance.command_api.commands()}) == 1


async def test_the_form_begins_with_what_is_left(finance: BackOffice) -> None:
    refunds = [a_refund(amount_cents=200), a_refund(status="pending", amount_cents=300)]
    finance.query_api.answers[f"GET {PAGE}"] = a_payment(amount_refunded_cents=200, refunds=refunds)
    page = await finance.page(REFUND)
    assert "Left to refund 5.00 USD" in page.text
    assert page.form(REFUND).fields["amount"] == "5.00"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"amount": "5.555"}, "up to 2 digits"),
        ({"amount": "5,50"}, "no comma"),
        ({"amount": ""}, "Write an amount"),
        ({"amount": "0"}, "More than nothing"),
        ({"reason": ""}, "Choose why"),
        ({"reason": "because"}, "Choose why"),
    ],
)
async def test_a_form_that_is_not_complete_is_not_sent(finance: BackOffice, changes: dict[str, str], said: str) -> None:
    answer = await finance.send(REFUND, **{"reason": "duplicate", **changes})
    assert answer.status_code == 422
    page = HtmlPage(answer.text)
    assert said in page.text
    assert "Nothing was sent" in page.text
    kept = page.form(REFUND).fields
    assert kept["amount"] == changes.get("amount", "10.00")
    assert finance.command_api.requested == []


@pytest.mark.parametrize("answer", [away, a_problem(503, "database_unavailable", Retry_After="1")])
async def test_without_an_answer_the_form_keeps_its_key_and_says_why(finance: BackOffice, answer: Any) -> None:
    finance.command_api.answers[f"POST {REFUND}"] = answer
    shown = await finance.send(REFUND, amount="3", reason="duplicate")
    assert shown.status_code == 503
    page = HtmlPage(shown.text)
    assert "may have recorded this, or not" in page.text
    (sent,) = finance.command_api.commands()
    fields = page.form(REFUND).fields
    assert fields["key"] == sent.headers["idempotency-key"]
    assert (fields["amount"], fields["reason"]) == ("3", "duplicate")

    finance.command_api.answers[f"POST {REFUND}"] = httpx.Response(202, json={"position": 47})
    assert (await finance.browser.post(REFUND, data=fields)).status_code == 303


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (a_problem(422, "refund_amount_exceeds_refundable", "A refund of 11 is more than"), 422, "is more than"),
        (a_problem(409, "payment_disputed", "The payer's bank contests it"), 409, "contests it"),
        (a_problem(422, "idempotency_key_reused"), 422, "was sent before"),
        (IN_USE, 409, ""),
    ],
)
async def test_what_the_command_api_refuses_is_said_in_the_form(
    finance: BackOffice, answer: httpx.Response, status: int, said: str
) -> None:
    finance.command_api.answers[f"POST {REFUND}"] = answer
    shown = await finance.send(REFUND, amount="11", reason="duplicate")
    assert shown.status_code == status
    page = HtmlPage(shown.text)
    assert said in page.text
    assert page.form(REFUND).fields["amount"] == "11"


async def test_a_key_that_may_not_act_for_people_is_the_operators_matter(finance: BackOffice) -> None:
    finance.command_api.answers[f"POST {REFUND}"] = a_problem(403, "forbidden", "needs the scope actor:set")
    shown = await finance.send(REFUND, reason="duplicate")
    assert shown.status_code == 502
    assert "actor:set" in HtmlPage(shown.text).text


@pytest.mark.parametrize("role", ["support", "finance", "operator", "auditor"])
@pytest.mark.parametrize("action", ["refund", "capture", "cancel"])
async def test_what_a_role_may_not_do_is_refused_though_the_form_is_forged(
    back_office: BackOffice, role: str, action: str
) -> None:
    back_office.query_api.answers[f"GET {PAGE}"] = a_payment(**HELD)
    await back_office.log_in(role)
    token = (await back_office.page("/payments")).form("/logout").fields["csrf_token"]
    fields = {"csrf_token": token, "amount": "1", "reason": "duplicate", "key": "back-office-1"}
    answer = await back_office.browser.post(f"{PAGE}/{action}", data=fields)
    allowed = {"refund": {"support", "finance"}, "capture": {"finance"}, "cancel": {"support", "finance", "operator"}}
    assert answer.status_code == (303 if role in allowed[action] else 403)
    assert len(back_office.command_api.commands()) == (role in allowed[action])


async def test_a_capture_has_an_amount_and_a_reason_in_words(finance: BackOffice) -> None:
    finance.query_api.answers[f"GET {PAGE}"] = a_payment(**HELD)
    for reason, said in ((" ", "Say why"), ("x" * 501, "500 characters at most")):
        refused = await finance.send(f"{PAGE}/capture", amount="4", reason=reason)
        assert refused.status_code == 422
        assert said in HtmlPage(refused.text).text
    assert (await finance.send(f"{PAGE}/capture", amount="4", reason=" the parcel left ")).status_code == 303
    sent = [body_of(each) for each in finance.command_api.commands()]
    assert sent == [{"amount_cents": 400, "reason": "the parcel left"}]


async def test_a_cancellation_has_a_reason_and_no_amount(finance: BackOffice) -> None:
    finance.query_api.answers[f"GET {PAGE}"] = a_payment(**HELD)
    assert (await finance.send(f"{PAGE}/cancel", reason="abandoned")).status_code == 303
    assert [body_of(each) for each in finance.command_api.commands()] == [{"reason": "abandoned"}]


async def test_what_cannot_be_done_now_has_no_form(finance: BackOffice) -> None:
    page = await finance.page(f"{PAGE}/capture")
    assert "Nothing is held" in page.text
    assert [form.action for form in page.forms] == ["/search", "/logout"]


async def test_an_amount_of_whole_units_is_sent_as_whole_units(finance: BackOffice) -> None:
    yen = a_payment(amount_cents=5000, amount_captured_cents=5000, currency="JPY")
    finance.query_api.answers[f"GET {PAGE}"] = yen
    assert (await finance.page(REFUND)).form(REFUND).fields["amount"] == "5000"
    assert (await finance.send(REFUND, amount="300", reason="duplicate")).status_code == 303
    assert [body_of(each)["amount_cents"] for each in finance.command_api.commands()] == [300]


async def test_what_was_written_is_there_after_a_log_in_in_between(back_office: BackOffice) -> None:
    await back_office.log_in()
    fields = (await back_office.page(REFUND)).form(REFUND).fields
    back_office.browser.cookies.clear()
    requested = await back_office.browser.post(REFUND, data={**fields, "amount": "3.21", "reason": "duplicate"})
    assert requested.status_code == 303
    assert back_office.command_api.commands() == []
    again = await back_office.log_in(then=httpx.URL(requested.headers["location"]).params["next"])
    kept = (await back_office.page(again.headers["location"])).form(REFUND).fields
    assert (kept["amount"], kept["reason"]) == ("3.21", "duplicate")
    assert kept["key"] == fields["key"], "it may have been sent before, without an answer"


@pytest.mark.parametrize("key", ["mine", "back-office-1", "back-office-../../x"])
async def test_no_link_brings_a_key_that_is_none_of_a_form(finance: BackOffice, key: str) -> None:
    fields = (await finance.page(f"{REFUND}?key={key}")).form(REFUND).fields
    assert fields["key"] != key


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"amount_refunded_cents": 1000}, "Nothing is left that could be refunded."),
        ({"dispute": example(DisputeView)}, "Its dispute decides about the money"),
        ({"split_payment_id": PAYMENT_ID}, "It is a part of a split payment"),
    ],
)
async def test_what_cannot_be_refunded_says_the_one_reason(
    finance: BackOffice, changes: dict[str, Any], said: str
) -> None:
    finance.query_api.answers[f"GET {PAGE}"] = a_payment(**changes)
    text = (await finance.page(REFUND)).text
    assert said in text
    assert "Left to refund" not in text, "it would be said in the same breath that there is something left"


async def test_a_form_that_is_used_up_leads_to_a_new_one(finance: BackOffice) -> None:
    finance.command_api.answers[f"POST {REFUND}"] = a_problem(422, "idempotency_key_reused")
    page = HtmlPage((await finance.send(REFUND, reason="duplicate")).text)
    assert REFUND in page.links

"""What is stuck, and what operators do about it."""

from typing import Any

import pytest

from back_office.system.status import outbox_words, readers
from schemas.http.operations import DeadLetterDetail, SagaView, SystemView, TaskView
from schemas.http.queries import ContradictionView
from tests.support.html_page import HtmlPage
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import PAYMENT_ID, a_payment, a_problem, body_of, example

TASK = f"/tasks/{example(TaskView)['id']}"
SAGA = f"/sagas/{example(SagaView)['id']}"
LETTER = f"/dead-letters/{example(DeadLetterDetail)['id']}"
PAYMENT = f"/payments/{PAYMENT_ID}"


@pytest.fixture
async def operator(back_office: BackOffice) -> BackOffice:
    await back_office.log_in("operator")
    return back_office


def test_partitions_stand_with_their_reader_and_projections_come_first() -> None:
    def at(consumer: str, partition: int, position: int) -> dict[str, Any]:
        moment = f"2026-05-01T10:00:0{partition}.000Z"
        return {"consumer": consumer, "topic": "t", "partition": partition, "position": position, "updated_at": moment}

    found = readers([at("stripe-gateway", 0, 9), at("projection:payments", 1, 5), at("projection:payments", 0, 7)], [])
    assert [(each.name, each.is_projection) for each in found] == [("payments", True), ("stripe-gateway", False)]
    assert [place.partition for place in found[0].places] == [0, 1]
    assert (found[0].newest, found[0].moved_at) == (7, "2026-05-01T10:00:01.000Z")


def test_what_waits_for_kafka_is_an_upper_bound() -> None:
    assert outbox_words({"depth": 0})[0] == "good"
    assert outbox_words({"depth": 1200}) == ("wait", "1,200 at most wait for Kafka")


async def test_the_overview_says_how_far_each_part_is(operator: BackOffice) -> None:
    text = (await operator.page("/system")).text
    for said in (
        "Position 120",
        "2 at most wait for Kafka",
        "1 stuck",
        "3 waiting",
        "1 open",
        "Catching up",
        "payments",
    ):
        assert said in text


@pytest.mark.parametrize("answer", [a_problem(403, "forbidden"), a_problem(503, "database_unavailable")])
async def test_without_an_answer_the_overview_says_so(operator: BackOffice, answer: Any) -> None:
    operator.command_api.answers["GET /system"] = answer
    assert "cannot be asked" in (await operator.page("/system")).text


async def test_a_log_that_takes_nothing_is_said_first(operator: BackOffice) -> None:
    operator.command_api.answers["GET /system"] = {**example(SystemView), "closed_because": "it is younger than Kafka"}
    assert "The log takes nothing it is younger than Kafka" in (await operator.page("/system")).text


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


async def test_a_replay_shows_before_what_it_applies(operator: BackOffice) -> None:
    operator.command_api.answers[f"GET {LETTER}"] = {**example(DeadLetterDetail), "queue": list(range(7, 37))}
    text = (await operator.page(f"{LETTER}/replay")).text
    for said in ("30 records, in this order", "Dead letter 7", "and 10 more"):
        assert said in text


async def test_what_may_have_happened_is_not_given_up_lightly(operator: BackOffice) -> None:
    refusal = a_problem(409, "operation_refused", "Stripe may have done it. If you are sure: --force")
    operator.command_api.answers[f"POST {TASK}/give-up"] = refusal
    answer = await operator.send(f"{TASK}/give-up", reason="I think so")
    page = HtmlPage(answer.text)
    assert answer.status_code == 409
    assert "Stripe may have done it. If you are sure, tick the box." in page.text
    assert page.form(f"{TASK}/give-up").fields["reason"] == "I think so"


async def test_what_was_resolved_meanwhile_has_no_form(operator: BackOffice) -> None:
    operator.command_api.answers[f"GET {LETTER}"] = {**example(DeadLetterDetail), "status": "applied", "queue": []}
    operator.command_api.answers[f"GET {TASK}"] = {**example(TaskView), "status": "done"}
    for page in (f"{LETTER}/replay", f"{LETTER}/discard", f"{TASK}/retry", f"{PAYMENT}/accept"):
        assert "come to an end meanwhile" in (await operator.page(page)).text


async def test_who_may_not_operate_is_shown_no_way_to(finance: BackOffice) -> None:
    for page in ("/tasks", LETTER, SAGA):
        links = (await finance.page(page)).links
        assert not [link for link in links if link.endswith(("/retry", "/give-up", "/replay", "/discard"))]


REPLAY_ALL = "/dead-letters/replay"


async def test_a_replay_of_all_is_previewed_by_topic_and_reason(operator: BackOffice) -> None:
    page = await operator.page(f"{REPLAY_ALL}?consumer=projector&limit=2")
    assert body_of(operator.command_api.commands()[-1]) == {"consumer": "projector", "limit": 2, "preview": True}
    assert "paystream.payment Could not be applied 2" in page.text
    form = next(each for each in page.forms if each.method == "post" and each.action == REPLAY_ALL)
    operator.command_api.requested.clear()
    answer = await operator.browser.post(form.action, data={**form.fields, "reason": " it is corrected "})
    assert (answer.status_code, answer.headers["location"]) == (303, "/dead-letters")
    (command,) = operator.command_api.commands()
    assert body_of(command) == {"consumer": "projector", "limit": 2, "reason": "it is corrected"}
    assert command.headers["paystream-actor"] == "operator"
    assert "The replay of 2 is requested" in (await operator.page("/dead-letters")).text


@pytest.mark.parametrize(("reason", "said"), [(" ", "Say why"), ("x" * 501, "500 characters at most")])
async def test_a_replay_of_all_needs_a_reason(operator: BackOffice, reason: str, said: str) -> None:
    page = await operator.page(f"{REPLAY_ALL}?consumer=projector&limit=2")
    form = next(each for each in page.forms if each.method == "post" and each.action == REPLAY_ALL)
    operator.command_api.requested.clear()
    answer = await operator.browser.post(form.action, data={**form.fields, "reason": reason})
    assert answer.status_code == 422
    page = HtmlPage(answer.text)
    assert said in page.text
    (again,) = [each for each in page.forms if each.method == "post" and each.action == REPLAY_ALL]
    assert (again.fields["consumer"], again.fields["limit"]) == ("projector", "2")
    assert [body_of(each).get("preview") for each in operator.command_api.commands()] == [True], "nothing is replayed"


async def test_a_dead_letter_says_why_it_is_replayed(operator: BackOffice) -> None:
    found = operator.command_api.answers[f"GET {LETTER}"]
    changes = {"requested_by": "api:back-office/olga", "replay_reason": "it is corrected"}
    operator.command_api.answers[f"GET {LETTER}"] = {**found, **changes}
    assert "olga, with the API key back-office: it is corrected" in (await operator.page(LETTER)).text


@pytest.mark.parametrize("limit", ["0", "-1", "many", "1000000"])
async def test_a_wrong_limit_is_named_and_nothing_is_sent(operator: BackOffice, limit: str) -> None:
    page = await operator.page(f"{REPLAY_ALL}?consumer=projector&limit={limit}", status=422)
    assert "A whole number from 1 to 999999" in page.text
    assert operator.command_api.commands() == []


async def test_where_nothing_is_open_no_replay_is_offered(operator: BackOffice) -> None:
    operator.command_api.answers |= {
        "GET /system": {**example(SystemView), "dead_letters": {}},
        "GET /dead-letters": {"data": [], "count": 0},
    }
    assert "None is open" in (await operator.page(REPLAY_ALL)).text
    assert REPLAY_ALL not in (await operator.page("/dead-letters")).links


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Open since 2026-05-01 10:06:40 UTC"),
        ({"state": "closed"}, "Closed since 2026-05-01 10:06:40 UTC"),
        ({"state": "half_open"}, "Probing since 2026-05-01 10:06:40 UTC"),
        ({"heard_of": False}, "Not heard of since 2026-05-01 10:06:41 UTC"),
    ],
)
async def test_a_breaker_says_how_it_is_and_since_when(operator: BackOffice, changes: Any, said: str) -> None:
    (breaker,) = example(SystemView)["breakers"]
    operator.command_api.answers["GET /system"] = {**example(SystemView), "breakers": [{**breaker, **changes}]}
    text = (await operator.page("/system")).text
    assert "Create intent" in text
    assert said in text


async def test_without_a_process_that_calls_stripe_the_page_says_so(operator: BackOffice) -> None:
    operator.command_api.answers["GET /system"] = {**example(SystemView), "breakers": []}
    assert "No process that calls Stripe tells of one" in (await operator.page("/system")).text

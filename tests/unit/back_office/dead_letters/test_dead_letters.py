"""Dead letters, and their replay."""

import pytest

from schemas.http.dead_letters import DeadLetterDetail
from schemas.http.system import SystemView
from tests.support.html_page import HtmlPage
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import body_of, example

LETTER = f"/dead-letters/{example(DeadLetterDetail)['id']}"
REPLAY_ALL = "/dead-letters/replay"


async def test_a_replay_shows_before_what_it_applies(operator: BackOffice) -> None:
    operator.command_api.answers[f"GET {LETTER}"] = {**example(DeadLetterDetail), "queue": list(range(7, 37))}
    text = (await operator.page(f"{LETTER}/replay")).text
    for said in ("30 records, in this order", "Dead letter 7", "and 10 more"):
        assert said in text


async def test_a_dead_letter_says_why_it_is_replayed(operator: BackOffice) -> None:
    found = operator.command_api.answers[f"GET {LETTER}"]
    changes = {"requested_by": "api:back-office/olga", "replay_reason": "it is corrected"}
    operator.command_api.answers[f"GET {LETTER}"] = {**found, **changes}
    assert "olga, with the API key back-office: it is corrected" in (await operator.page(LETTER)).text


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

"""An operator sees who has an account, locks and unlocks one, and ends its sessions, each with a reason."""

import pytest

from tests.support.html_page import HtmlPage
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import away, body_of
from tests.unit.back_office.staff.test_session_routes import another_browser, is_logged_in

REASON = "left the company"


async def test_every_account_is_listed_with_role_and_sessions(operator: BackOffice) -> None:
    await another_browser(operator, "finance")
    page = await operator.page("/staff")
    assert "finance Finance Open None 1" in page.text
    assert "support Support Open None 0" in page.text
    assert "/staff/auditor" in page.links


async def test_who_is_locked_is_out_at_once_and_cannot_come_back(operator: BackOffice) -> None:
    other = await another_browser(operator, "finance")
    answer = await operator.send("/staff/finance/lock", reason=REASON)
    assert (answer.status_code, answer.headers["location"]) == (303, "/staff/finance")
    page = (await operator.page("/staff/finance")).text
    assert "finance is locked. 1 session was ended." in page
    assert f"Locked by operator, with the API key back-office, 2026-11-29 09:00:00 UTC : {REASON}" in page
    assert not await is_logged_in(other)
    refused = await other.log_in("finance")
    assert refused.status_code == 401
    assert "do not belong together" in HtmlPage(refused.text).text, "who guesses learns nothing"
    assert "Locked by operator" in (await operator.page("/staff")).text
    await operator.send("/staff/finance/unlock", reason="came back")
    assert (await other.log_in("finance")).status_code == 303
    ((lock, unlock)) = operator.command_api.commands()
    assert [(each.url.path, body_of(each), each.headers["paystream-actor"]) for each in (lock, unlock)] == [
        ("/staff/finance/lock", {"reason": REASON}, "operator"),
        ("/staff/finance/unlock", {"reason": "came back"}, "operator"),
    ]


async def test_a_name_that_was_locked_by_wrong_passwords_is_unlocked(operator: BackOffice) -> None:
    for _ in range(5):
        operator.office.lockout.attempt("finance")
    assert "wrong passwords, for 15 more minutes" in (await operator.page("/staff/finance")).text
    await operator.send("/staff/finance/unlock", reason="it was her")
    assert operator.office.lockout.locked_for_s("finance") == 0
    assert "Its wrong passwords are forgotten." in (await operator.page("/staff/finance")).text


async def test_all_sessions_of_somebody_end_and_nobody_elses(operator: BackOffice) -> None:
    theirs = [await another_browser(operator, "finance") for _ in range(2)]
    auditor = await another_browser(operator, "auditor")
    await operator.send("/staff/finance/end-sessions", reason="a lost laptop")
    assert "All sessions of finance end. Here, 2 sessions were ended." in (await operator.page("/staff/finance")).text
    (command,) = operator.command_api.commands()
    assert (command.url.path, body_of(command)) == ("/staff/finance/end-sessions", {"reason": "a lost laptop"})
    assert [await is_logged_in(each) for each in (*theirs, auditor, operator)] == [False, False, True, True]


async def test_ones_own_session_goes_on_when_all_others_end(operator: BackOffice) -> None:
    other = await another_browser(operator, "operator")
    await operator.send("/staff/operator/end-sessions", reason="a lost laptop")
    assert [await is_logged_in(each) for each in (other, operator)] == [False, True]


@pytest.mark.parametrize("change", ["lock", "unlock", "end-sessions"])
async def test_without_a_reason_nothing_is_done(operator: BackOffice, change: str) -> None:
    other = await another_browser(operator, "finance")
    answer = await operator.send(f"/staff/finance/{change}", reason=" ")
    assert answer.status_code == 422
    assert "Say why" in HtmlPage(answer.text).text
    assert operator.command_api.commands() == []
    assert await is_logged_in(other)


async def test_nobody_locks_themselves_out(operator: BackOffice) -> None:
    assert "/staff/operator/lock" not in (await operator.page("/staff/operator")).links
    answer = await operator.send("/staff/operator/lock", reason=REASON)
    assert answer.status_code == 409
    assert "Nobody locks themselves out" in HtmlPage(answer.text).text
    assert await is_logged_in(operator)


async def test_sessions_that_may_have_been_ended_are_not_called_so(operator: BackOffice) -> None:
    other = await another_browser(operator, "finance")
    operator.command_api.answers["POST /staff/finance/end-sessions"] = away
    answer = await operator.send("/staff/finance/end-sessions", reason="a lost laptop")
    assert answer.status_code == 503
    assert "it may have done this, or not" in HtmlPage(answer.text).text
    assert await is_logged_in(other)


async def test_a_form_of_another_session_changes_nobody(operator: BackOffice) -> None:
    answer = await operator.browser.post("/staff/finance/lock", data={"csrf_token": "x", "reason": REASON})
    assert answer.status_code == 403
    assert operator.command_api.commands() == []


async def test_a_lock_that_may_have_been_recorded_is_not_called_done(operator: BackOffice) -> None:
    other = await another_browser(operator, "finance")
    operator.command_api.answers["POST /staff/finance/lock"] = away
    answer = await operator.send("/staff/finance/lock", reason=REASON)
    assert answer.status_code == 503
    page = HtmlPage(answer.text)
    assert "it may have done this, or not" in page.text
    assert page.form("/staff/finance/lock").fields["reason"] == REASON, "nothing has to be written again"
    assert await is_logged_in(other)


async def test_the_list_is_not_shown_while_it_is_not_known_who_is_locked(operator: BackOffice) -> None:
    operator.command_api.answers["GET /staff-locks"] = away
    for page in ("/staff", "/staff/finance"):
        assert "does not answer" in (await operator.page(page, 503)).text


@pytest.mark.parametrize("address", ["/staff/nobody", "/staff/nobody/lock", "/staff/finance/promote"])
async def test_what_is_not_there_is_a_page(operator: BackOffice, address: str) -> None:
    assert (await operator.browser.get(address)).status_code in {400, 404}


async def test_an_account_says_as_its_owner_does_how_long_ago_it_was_used(operator: BackOffice) -> None:
    text = (await operator.page("/staff/operator")).text
    assert "just now just now" in text
    assert "0 minutes" not in text

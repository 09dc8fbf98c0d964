"""An operator sees who has an account, locks and unlocks one, and ends its sessions, each with a reason."""

from dataclasses import replace

import httpx
import pytest

from tests.support.html_page import HtmlPage
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.staff.test_session_routes import another_browser, is_logged_in

REASON = "left the company"


@pytest.fixture
async def operator(back_office: BackOffice) -> BackOffice:
    await back_office.log_in("operator")
    return back_office


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
    assert "finance is locked. 1 session was ended." in (await operator.page("/staff/finance")).text
    assert not await is_logged_in(other)
    refused = await other.log_in("finance")
    assert refused.status_code == 401
    assert "do not belong together" in HtmlPage(refused.text).text, "who guesses learns nothing"
    assert "Locked by an operator" in (await operator.page("/staff")).text
    await operator.send("/staff/finance/unlock", reason="came back")
    assert (await other.log_in("finance")).status_code == 303


async def test_who_is_locked_while_they_log_in_does_not_come_in(operator: BackOffice) -> None:
    def locked_meanwhile(_: httpx.Request) -> httpx.Response:
        operator.office.lockout.lock("finance")
        operator.office.sessions.revoke("finance")
        return httpx.Response(200, json={"said": "It is recorded."})

    operator.command_api.answers["POST /staff/finance/sign-ins"] = locked_meanwhile
    async with httpx.AsyncClient(transport=httpx.ASGITransport(operator.app), base_url="https://office.test") as other:
        browser = replace(operator, browser=other)
        assert (await browser.log_in("finance")).status_code == 401
        assert not await is_logged_in(browser)
    assert operator.office.sessions.of("finance") == []


async def test_a_name_that_was_locked_by_wrong_passwords_is_unlocked(operator: BackOffice) -> None:
    for _ in range(5):
        operator.office.lockout.attempt("finance")
    assert "wrong passwords, for 15 more minutes" in (await operator.page("/staff/finance")).text
    await operator.send("/staff/finance/unlock", reason="it was her")
    assert operator.office.lockout.locked_for_s("finance") == 0
    assert "finance is unlocked." in (await operator.page("/staff/finance")).text


async def test_all_sessions_of_somebody_end_and_nobody_elses(operator: BackOffice) -> None:
    theirs = [await another_browser(operator, "finance") for _ in range(2)]
    auditor = await another_browser(operator, "auditor")
    await operator.send("/staff/finance/end-sessions", reason="a lost laptop")
    assert "2 sessions were ended." in (await operator.page("/staff/finance")).text
    assert [await is_logged_in(each) for each in (*theirs, auditor, operator)] == [False, False, True, True]


async def test_ones_own_session_goes_on_when_all_others_end(operator: BackOffice) -> None:
    other = await another_browser(operator, "operator")
    await operator.send("/staff/operator/end-sessions", reason="a lost laptop")
    assert [await is_logged_in(each) for each in (other, operator)] == [False, True]


@pytest.mark.parametrize(("name", "reason", "said"), [("finance", " ", "Say why"), ("operator", REASON, "themselves")])
async def test_without_a_reason_or_against_oneself_nothing_is_done(
    operator: BackOffice, name: str, reason: str, said: str
) -> None:
    answer = await operator.send(f"/staff/{name}/lock", reason=reason)
    assert answer.status_code == 422
    assert said in HtmlPage(answer.text).text
    assert not operator.office.lockout.is_locked_out(name)


async def test_a_form_of_another_session_changes_nobody(operator: BackOffice) -> None:
    answer = await operator.browser.post("/staff/finance/lock", data={"csrf_token": "x", "reason": REASON})
    assert answer.status_code == 403
    assert not operator.office.lockout.is_locked_out("finance")


@pytest.mark.parametrize("address", ["/staff/nobody", "/staff/nobody/lock", "/staff/finance/promote"])
async def test_what_is_not_there_is_a_page(operator: BackOffice, address: str) -> None:
    assert (await operator.browser.get(address)).status_code in {400, 404}

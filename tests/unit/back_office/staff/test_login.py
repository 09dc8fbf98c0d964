"""Log-in, log-out, and who is not let in."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from back_office.staff import lockout
from tests.support.html_page import HtmlPage
from tests.unit.back_office.conftest import PASSWORD, BackOffice, opened, settings
from tests.unit.back_office.fake_apis import PAYMENT_ID, a_command_api, a_query_api


@pytest_asyncio.fixture
async def over_tls() -> AsyncIterator[BackOffice]:
    given = settings(app_env="production", back_office_lockout_failures=3)
    async with opened(given, a_query_api(), a_command_api()) as found:
        yield found


def cookie(answer: httpx.Response, name: str) -> str:
    return next(each for each in answer.headers.get_list("set-cookie") if each.startswith(name))


async def test_a_log_in_leads_where_somebody_wanted_to_go(back_office: BackOffice) -> None:
    address = f"/payments/{PAYMENT_ID}?version=2"
    requested = await back_office.browser.get(address)
    then = httpx.URL(requested.headers["location"]).params["next"]
    answer = await back_office.log_in(then=then)
    assert (answer.status_code, answer.headers["location"]) == (303, address)


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "/a\nb", "javascript:alert(1)"]
)
async def test_a_log_in_never_leads_to_another_site(back_office: BackOffice, elsewhere: str) -> None:
    assert (await back_office.log_in(then=elsewhere)).headers["location"] == "/payments"


async def test_a_wrong_password_says_no_more_than_that(back_office: BackOffice) -> None:
    wrong, nobody = await back_office.log_in(password="wrong"), await back_office.log_in("nobody")
    assert wrong.status_code == nobody.status_code == 401
    assert "do not belong together" in HtmlPage(wrong.text).text
    assert HtmlPage(wrong.text).text == HtmlPage(nobody.text).text
    assert (await back_office.browser.get("/payments")).status_code == 303


async def test_after_too_many_failures_the_right_password_is_refused_too(over_tls: BackOffice) -> None:
    for name in ("finance", "nobody"):
        for _ in range(3):
            assert (await over_tls.log_in(name, "wrong")).status_code == 401
        locked = await over_tls.log_in(name, PASSWORD)
        assert locked.status_code == 429
        assert int(locked.headers["retry-after"]) > 800
        assert "locked for 15 more minutes" in HtmlPage(locked.text).text
    assert (await over_tls.log_in("support")).status_code == 303, "others are not locked"


async def test_no_flood_of_names_opens_an_account_that_is_locked(
    over_tls: BackOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lockout, "_MOST_NAMES", 2)
    for name in ("finance", "finance", "finance", "invented", "made-up", "nobody"):
        await over_tls.log_in(name, "wrong")
    assert (await over_tls.log_in("finance", PASSWORD)).status_code == 429


async def test_many_guesses_at_the_same_instant_are_no_more_than_a_few(over_tls: BackOffice) -> None:
    shown = await over_tls.browser.get("/login")
    fields = {**HtmlPage(shown.text).form("/login").fields, "name": "finance", "password": "a guess"}
    requests = [over_tls.browser.build_request("POST", "/login", data=fields) for _ in range(20)]
    answers = await asyncio.gather(*map(over_tls.browser.send, requests))
    assert sorted(answer.status_code for answer in answers) == [401] * 3 + [429] * 17


async def test_the_cookie_is_for_no_script_and_no_other_site(over_tls: BackOffice, back_office: BackOffice) -> None:
    strict = cookie(await over_tls.log_in(), "__Host-paystream_session=").lower()
    for said in ("httponly", "samesite=strict", "secure", "path=/"):
        assert said in strict
    assert "domain" not in strict
    assert (await over_tls.browser.get("/payments")).headers["strict-transport-security"]
    plain = cookie(await back_office.log_in(), "paystream_session=").lower()
    assert "secure" not in plain, "make run has no TLS"
    assert "samesite=strict" in plain


async def test_a_log_in_begins_a_new_session_and_ends_the_one_before(back_office: BackOffice) -> None:
    await back_office.log_in()
    before = back_office.browser.cookies["paystream_session"]
    await back_office.log_in()
    after = back_office.browser.cookies["paystream_session"]
    assert before != after
    back_office.browser.cookies.set("paystream_session", before)
    assert (await back_office.browser.get("/payments")).status_code == 303


async def test_a_log_out_ends_the_session_wherever_its_cookie_is_kept(finance: BackOffice) -> None:
    kept = finance.browser.cookies["paystream_session"]
    form = (await finance.page("/payments")).form("/logout")
    assert (await finance.browser.post("/logout", data=form.fields)).headers["location"] == "/login"
    finance.browser.cookies.set("paystream_session", kept, domain="office.test")
    assert (await finance.browser.get("/payments")).status_code == 303


async def test_a_log_out_needs_the_token_of_its_session(finance: BackOffice) -> None:
    assert (await finance.browser.post("/logout", data={"csrf_token": "guessed"})).status_code == 403
    assert (await finance.browser.get("/payments")).status_code == 200


async def test_a_log_in_without_its_form_is_refused(back_office: BackOffice) -> None:
    fields = {"name": "finance", "password": PASSWORD}
    assert (await back_office.browser.post("/login", data=fields)).status_code == 403
    await back_office.browser.get("/login")
    assert (await back_office.browser.post("/login", data={**fields, "csrf_token": "guessed"})).status_code == 403
    assert (await back_office.browser.get("/payments")).status_code == 303


async def test_no_password_is_ever_logged_or_shown(back_office: BackOffice, capsys: pytest.CaptureFixture[str]) -> None:
    secret = "a password in the wrong field"
    answers = [await back_office.log_in(password=secret), await back_office.log_in(secret[:20], secret)]
    said = capsys.readouterr()
    assert secret not in said.out + said.err
    assert all(secret not in answer.text for answer in answers)

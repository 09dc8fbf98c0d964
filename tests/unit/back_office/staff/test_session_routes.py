"""Somebody sees where they are logged in, and ends what they left open: their own sessions and nobody else's."""

import httpx

from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import away


async def another_browser(back_office: BackOffice, role: str) -> BackOffice:
    """Log in from another browser."""
    browser = httpx.AsyncClient(
        transport=httpx.ASGITransport(back_office.app),
        base_url="https://office.test",
        headers={"User-Agent": "Other/1"},
    )
    other = BackOffice(
        browser=browser,
        query_api=back_office.query_api,
        command_api=back_office.command_api,
        office=back_office.office,
        app=back_office.app,
    )
    assert (await other.log_in(role)).status_code == 303
    return other


async def is_logged_in(office: BackOffice) -> bool:
    return (await office.browser.get("/payments")).status_code == 200


async def test_each_session_is_shown_with_its_browser(finance: BackOffice) -> None:
    await another_browser(finance, "finance")
    await another_browser(finance, "operator")
    text = (await finance.page("/sessions")).text
    assert text.count("just now") == 5, "two sessions, and the label of one button"
    assert text.count("Other/1") == 1
    assert text.count("This one") == 1


async def test_another_session_is_ended_at_once(finance: BackOffice) -> None:
    other = await another_browser(finance, "finance")
    (form, _) = [each for each in (await finance.page("/sessions")).forms if each.action == "/sessions/revoke"]
    assert (await finance.browser.post(form.action, data=form.fields)).status_code == 303
    assert "1 ended" in (await finance.page("/sessions")).text
    assert not await is_logged_in(other)


async def test_all_others_are_ended_but_nobody_elses(finance: BackOffice) -> None:
    others = [await another_browser(finance, "finance") for _ in range(2)]
    operator = await another_browser(finance, "operator")
    form = [each for each in (await finance.page("/sessions")).forms if each.action == "/sessions/revoke"][-1]
    assert "number" not in form.fields
    await finance.browser.post(form.action, data=form.fields)
    assert [await is_logged_in(each) for each in (*others, operator, finance)] == [False, False, True, True]
    (command,) = finance.command_api.commands()
    assert (command.url.path, command.headers["paystream-actor"]) == ("/staff/finance/end-sessions", "finance")


async def test_all_others_end_here_although_the_command_api_is_away(finance: BackOffice) -> None:
    other = await another_browser(finance, "finance")
    form = [each for each in (await finance.page("/sessions")).forms if each.action == "/sessions/revoke"][-1]
    finance.command_api.answers["POST /staff/finance/end-sessions"] = away
    assert (await finance.browser.post(form.action, data=form.fields)).status_code == 503
    assert [await is_logged_in(each) for each in (other, finance)] == [False, True]


async def test_the_session_of_somebody_else_cannot_be_ended(finance: BackOffice) -> None:
    operator = await another_browser(finance, "operator")
    (theirs,) = finance.office.sessions.of("operator")
    await another_browser(finance, "finance")
    form = next(each for each in (await finance.page("/sessions")).forms if each.action == "/sessions/revoke")
    await finance.browser.post(form.action, data={**form.fields, "number": theirs[0].number})
    assert await is_logged_in(operator)
    assert "ended already" in (await finance.page("/sessions")).text


async def test_without_its_token_no_session_is_ended(finance: BackOffice) -> None:
    other = await another_browser(finance, "finance")
    assert (await finance.browser.post("/sessions/revoke", data={"csrf_token": "x"})).status_code == 403
    assert await is_logged_in(other)

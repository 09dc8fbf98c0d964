"""A lock of an operator holds in every process of the back office: at the log-in, and for sessions that are open."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from back_office.apis.errors import ApiAway, ApiRefused
from back_office.staff import locks
from back_office.staff.locks import UNKNOWN, StaffLocks
from back_office.staff.login_page import LOGINS
from tests.support.html_page import HtmlPage
from tests.unit.back_office.conftest import BackOffice, opened, settings
from tests.unit.back_office.fake_apis import PAYMENT_ID, FakeStaffLocks, a_command_api, a_problem, a_query_api, away
from tests.unit.back_office.staff.test_session_routes import another_browser, is_logged_in

READ = "GET /staff-locks"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def kept() -> FakeStaffLocks:
    """What the command API keeps."""
    return FakeStaffLocks()


@pytest.fixture
async def slow(kept: FakeStaffLocks, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BackOffice]:
    """One whose pages ask only after something was changed there, so that it knows little of others."""
    monkeypatch.setattr(locks, "_KNOWN_FOR_S", 3600)
    async with opened(settings(), a_query_api(), a_command_api()) as found:
        found.command_api.answers |= kept.answers()
        yield found


@pytest.fixture
async def office(kept: FakeStaffLocks, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BackOffice]:
    """One process of the back office, whose pages ask at every request."""
    monkeypatch.setattr(locks, "_KNOWN_FOR_S", -1.0)
    async with opened(settings(), a_query_api(), a_command_api()) as found:
        found.command_api.answers |= kept.answers()
        yield found


async def test_who_was_locked_elsewhere_is_out(office: BackOffice, kept: FakeStaffLocks) -> None:
    await office.log_in("finance")
    other = await another_browser(office, "support")
    kept.change("finance", is_locked=True)
    answer = await office.browser.get("/payments?status=succeeded")
    assert answer.headers["location"] == "/login?next=%2Fpayments%3Fstatus%3Dsucceeded"
    assert await is_logged_in(other), "others stay"
    refused = await office.log_in("finance")
    assert refused.status_code == 401
    assert "do not belong together" in HtmlPage(refused.text).text


async def test_a_new_process_keeps_out_who_was_locked_before(kept: FakeStaffLocks) -> None:
    kept.change("finance", is_locked=True)
    async with opened(settings(), a_query_api(), a_command_api()) as restarted:
        restarted.command_api.answers |= kept.answers()
        assert (await restarted.log_in("finance")).status_code == 401
        assert (await restarted.log_in("Finance")).status_code == 401
        assert (await restarted.log_in("support")).status_code == 303


async def test_a_session_of_before_the_lock_stays_ended(office: BackOffice, kept: FakeStaffLocks) -> None:
    """Whoever has the laptop asked for nothing while the account was locked."""
    await office.log_in("finance")
    kept.change("finance", is_locked=True)
    kept.change("finance", is_locked=False)
    assert not await is_logged_in(office)
    assert (await office.log_in("finance")).status_code == 303
    assert await is_logged_in(office)


async def test_ending_ones_own_sessions_outlives_no_lock(slow: BackOffice, kept: FakeStaffLocks) -> None:
    """This process does not know of the lock yet, and the end of the sessions has a position behind the lock's."""
    await slow.log_in("finance")
    form = (await slow.page("/sessions")).forms[-1]
    kept.change("finance", is_locked=True)
    await slow.browser.post(form.action, data=form.fields)
    assert not await is_logged_in(slow)


@pytest.mark.parametrize("role", ["finance", "operator"])
async def test_ending_ones_own_sessions_outlives_no_lock_and_unlock(
    slow: BackOffice, kept: FakeStaffLocks, role: str
) -> None:
    """As above, and nobody is locked any more; an operator ends their own on the page of accounts too."""
    form_of = "/sessions" if role == "finance" else "/staff/operator/end-sessions"
    await slow.log_in(role)
    form = (await slow.page(form_of)).forms[-1]
    kept.change(role, is_locked=True)
    kept.change(role, is_locked=False)
    sent = await slow.browser.post(form.action, data={**form.fields, "reason": "a lost laptop"})
    assert sent.status_code == 303
    assert not await is_logged_in(slow)


async def test_ending_sessions_of_somebody_else_keeps_none_of_ones_own(slow: BackOffice, kept: FakeStaffLocks) -> None:
    await slow.log_in("operator")
    assert await is_logged_in(slow)
    kept.end_sessions("operator")
    await slow.send("/staff/finance/end-sessions", reason="a lost laptop")
    assert not await is_logged_in(slow)


async def test_a_session_that_stays_is_not_ended_by_what_was_known_before(
    slow: BackOffice, kept: FakeStaffLocks
) -> None:
    kept.end_sessions("finance")
    await slow.log_in("finance")
    form = (await slow.page("/sessions")).forms[-1]
    slow.command_api.answers[READ] = away
    assert (await slow.browser.post(form.action, data=form.fields)).status_code == 303
    assert await is_logged_in(slow)


async def test_who_is_locked_while_they_log_in_does_not_come_in(office: BackOffice, kept: FakeStaffLocks) -> None:
    def locked_behind_it(_: httpx.Request) -> httpx.Response:
        kept.change("finance", is_locked=True)
        return httpx.Response(200, json={"said": "It is recorded."})

    office.command_api.answers["POST /staff/finance/sign-ins"] = locked_behind_it
    await office.log_in("finance")
    assert not await is_logged_in(office)


async def test_an_open_form_sends_nothing_after_the_lock(office: BackOffice, kept: FakeStaffLocks) -> None:
    await office.log_in("finance")
    form = (await office.page(f"/payments/{PAYMENT_ID}/refund")).form(f"/payments/{PAYMENT_ID}/refund")
    kept.change("finance", is_locked=True)
    answer = await office.browser.post(form.action, data=form.fields)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")
    assert office.command_api.commands() == []


async def test_no_page_shows_who_is_locked_as_logged_in(office: BackOffice, kept: FakeStaffLocks) -> None:
    await office.log_in("finance")
    assert "Log out" in (await office.page("/nowhere", 404)).text
    kept.change("finance", is_locked=True)
    assert "Log out" not in (await office.page("/nowhere", 404)).text


async def test_no_payment_is_followed_behind_a_lock(office: BackOffice, kept: FakeStaffLocks) -> None:
    await office.log_in("finance")
    kept.change("finance", is_locked=True)
    assert (await office.browser.get(f"/payments/{PAYMENT_ID}/live")).status_code == 401


@pytest.mark.parametrize("answer", [away, a_problem(503, "database_unavailable"), a_problem(429, "rate_limited")])
async def test_nobody_logs_in_while_it_is_not_known_who_is_locked(office: BackOffice, answer: object) -> None:
    office.command_api.answers[READ] = answer
    before = LOGINS.labels("unavailable")._value.get()
    for password in ("correct horse battery", "wrong"):
        for _ in range(4):
            refused = await office.log_in("finance", password)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            assert "Nobody can log in at this moment" in HtmlPage(refused.text).text
    assert not await is_logged_in(office)
    assert LOGINS.labels("unavailable")._value.get() == before + 8
    office.command_api.answers[READ] = {"data": []}
    assert (await office.log_in("finance")).status_code == 303, "nothing of it counts as a wrong password"


async def test_a_key_without_the_scope_says_what_to_do(office: BackOffice) -> None:
    office.command_api.answers[READ] = a_problem(403, "forbidden")
    refused = await office.log_in("finance")
    assert refused.status_code == 503
    assert "gives the key the scopes" in HtmlPage(refused.text).text


async def test_a_sign_in_that_the_log_refuses_opens_nothing(office: BackOffice) -> None:
    """They were locked after this process asked."""
    office.command_api.answers["POST /staff/finance/sign-ins"] = a_problem(409, "operation_refused")
    assert (await office.log_in("finance")).status_code == 401
    assert not await is_logged_in(office)


async def test_open_sessions_go_on_while_nobody_can_be_asked(office: BackOffice, kept: FakeStaffLocks) -> None:
    await office.log_in("finance")
    support = await another_browser(office, "support")
    kept.change("support", is_locked=True)
    assert not await is_logged_in(support)
    office.command_api.answers[READ] = away
    before = UNKNOWN._value.get()
    assert await is_logged_in(office)
    assert UNKNOWN._value.get() > before
    assert not await is_logged_in(support), "what was known last counts"


def counting(answers: list[object]) -> tuple[StaffLocks, Clock, list[httpx.Request]]:
    api, clock = a_command_api(), Clock()
    api.answers[READ] = lambda request: _next(answers, request)
    return StaffLocks(api.api(), now=clock), clock, api.lock_reads


def _next(answers: list[object], request: httpx.Request) -> httpx.Response:
    now = answers.pop(0) if len(answers) > 1 else answers[0]
    if callable(now):
        now = now(request)
    return now if isinstance(now, httpx.Response) else httpx.Response(200, json=now)


async def test_many_pages_at_once_are_one_call_in_two_seconds() -> None:
    found, clock, reads = counting([{"data": []}])
    for _ in range(3):
        await asyncio.gather(*(found.recent() for _ in range(50)))
    assert len(reads) == 1
    clock.now += 2.1
    await asyncio.gather(*(found.recent() for _ in range(50)))
    assert len(reads) == 2


async def test_a_call_that_fails_is_not_made_again_by_every_page() -> None:
    found, clock, reads = counting([away])
    for _ in range(5):
        await found.recent()
    assert len(reads) == 1
    clock.now += 2.1
    await found.recent()
    assert len(reads) == 2


async def test_a_log_in_asks_anew_each_time() -> None:
    found, _, reads = counting([{"data": []}, {"data": []}, a_problem(503, "database_unavailable"), away])
    for _ in range(2):
        await found.current()
    assert len(reads) == 2
    with pytest.raises(ApiRefused):
        await found.current()
    with pytest.raises(ApiAway):
        await found.current()


async def test_a_page_does_not_hang_with_the_command_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_PAGES_WAIT_S", 0.01)
    never = asyncio.Event()

    class Hanging:
        async def get(self, _: str) -> None:
            await never.wait()

    found = StaffLocks(Hanging())  # type: ignore[arg-type]
    known = await asyncio.wait_for(found.recent(), 2)
    assert known.last_position("finance") == 0


async def test_a_change_is_seen_by_the_next_page() -> None:
    found, _, reads = counting([{"data": []}])
    await found.recent()
    found.forget()
    await found.recent()
    assert len(reads) == 2


async def test_an_older_answer_does_not_replace_a_newer_one() -> None:
    kept = FakeStaffLocks()
    kept.change("finance", is_locked=True)
    first, second = asyncio.Event(), asyncio.Event()

    class Slow:
        def __init__(self) -> None:
            self.reads = 0

        async def get(self, _: str) -> object:
            self.reads += 1
            if self.reads == 1:
                await first.wait()
                return type("Answer", (), {"body": {"data": []}})
            second.set()
            return type("Answer", (), {"body": {"data": list(kept.rows.values())}})

    clock = Clock()
    found = StaffLocks(Slow(), now=clock)  # type: ignore[arg-type]
    older = asyncio.create_task(found.current())
    await asyncio.sleep(0)
    clock.now += 0.1
    assert (await found.current()).of("finance") is not None
    first.set()
    await older
    assert (await found.recent()).of("FINANCE") is not None

"""Log-ins without the authenticator app, by a recovery code; and who signed in is recorded."""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from back_office.staff.recovery import UNRECORDED
from back_office.staff.totp import code_at, new_secret
from tests.support.html_page import HtmlPage
from tests.unit.back_office.conftest import PASSWORD, BackOffice, opened, settings
from tests.unit.back_office.fake_apis import CODES, a_command_api, a_problem, a_query_api, away, body_of

SECRET = new_secret()
USE = "POST /staff/operator/recovery-codes/use"
REFUSED = a_problem(409, "operation_refused", "That is none of the recovery codes that are left.")


@pytest.fixture
async def office() -> AsyncIterator[BackOffice]:
    """The operator has an authenticator app."""
    accounts: list[Any] = [
        each.model_dump() | ({"totp_secret": SECRET} if each.name == "operator" else {})
        for each in settings().back_office_staff
    ]
    given = settings(back_office_staff=accounts, back_office_lockout_failures=3)
    async with opened(given, a_query_api(), a_command_api()) as found:
        found.command_api.answers[USE] = {"left": 2}
        yield found


def code_now() -> str:
    return code_at(SECRET, int(time.time() // 30))


def sent(office: BackOffice) -> list[tuple[str, Any, str]]:
    return _described(office.command_api.commands())


def signed_in(office: BackOffice) -> list[tuple[str, Any, str]]:
    return _described(office.command_api.sign_ins)


def _described(requests: list[httpx.Request]) -> list[tuple[str, Any, str]]:
    return [(each.url.path, body_of(each), each.headers["paystream-actor"]) for each in requests]


async def test_who_signed_in_is_recorded_with_the_second_factor(office: BackOffice) -> None:
    await office.log_in("finance")
    await office.log_in("operator", code=code_now())
    assert signed_in(office) == [
        ("/staff/finance/sign-ins", {"role": "finance", "second_factor": "none"}, "finance"),
        ("/staff/operator/sign-ins", {"role": "operator", "second_factor": "totp"}, "operator"),
    ]


@pytest.mark.parametrize("answer", [away, a_problem(503, "database_unavailable")])
async def test_a_log_in_that_cannot_be_recorded_is_counted(office: BackOffice, answer: Any) -> None:
    """Operators need the pages most when something is down."""
    office.command_api.answers["POST /staff/finance/sign-ins"] = answer
    before = UNRECORDED._value.get()
    assert (await office.log_in("finance")).status_code == 303
    assert UNRECORDED._value.get() == before + 1


async def test_a_recovery_code_opens_in_the_place_of_the_app(office: BackOffice) -> None:
    assert (await office.log_in("operator", code=CODES[3])).status_code == 303
    assert sent(office) == [("/staff/operator/recovery-codes/use", {"code": CODES[3]}, "operator")]
    assert signed_in(office) == [
        ("/staff/operator/sign-ins", {"role": "operator", "second_factor": "recovery_code"}, "operator"),
    ]
    assert (await office.browser.get("/payments")).status_code == 200


async def test_a_code_that_is_refused_opens_nothing_and_locks(office: BackOffice) -> None:
    office.command_api.answers[USE] = REFUSED
    for _ in range(3):
        answer = await office.log_in("operator", code=CODES[3])
        assert (answer.status_code, "do not belong together" in answer.text) == (401, True)
    assert (await office.log_in("operator", code=CODES[3])).status_code == 429


@pytest.mark.parametrize(
    ("password", "code"), [("wrong", CODES[0]), (PASSWORD, ""), (PASSWORD, "000000"), (PASSWORD, "9" * 101 + "x")]
)
async def test_no_code_is_used_up_for_nothing(office: BackOffice, password: str, code: str) -> None:
    assert (await office.log_in("operator", password, code=code)).status_code == 401
    assert sent(office) == signed_in(office) == []


async def test_a_code_that_cannot_be_looked_up_lets_nobody_in(office: BackOffice) -> None:
    office.command_api.answers[USE] = away
    assert (await office.log_in("operator", code=CODES[0])).status_code == 503
    assert (await office.browser.get("/payments")).status_code == 303


async def make(office: BackOffice, password: str = PASSWORD, code: str = "") -> httpx.Response:
    return await office.send("/recovery-codes", password=password, code=code)


@pytest.fixture
async def operator(office: BackOffice) -> BackOffice:
    """Logged in by a recovery code, so that the app's code of this moment is not used."""
    await office.log_in("operator", code=CODES[0])
    office.command_api.requested.clear()
    return office


async def test_new_codes_are_shown_once_to_who_has_password_and_app(operator: BackOffice) -> None:
    assert "You have 3 left" in (await operator.page("/recovery-codes")).text
    answer = await make(operator, code=code_now())
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    text = HtmlPage(answer.text).text
    assert all(code in text for code in CODES)
    ((path, body, actor),) = sent(operator)
    assert (path, actor) == ("/staff/operator/recovery-codes", "operator")
    assert body["reason"]
    assert CODES[0] not in (await operator.page("/recovery-codes")).text


async def test_a_session_that_was_left_open_makes_none(operator: BackOffice) -> None:
    assert (await make(operator, "wrong", code_now())).status_code == 422
    assert (await make(operator, PASSWORD, "000000")).status_code == 422
    assert (await make(operator, PASSWORD, CODES[1])).status_code == 422, "a recovery code is no app"
    assert (await make(operator, PASSWORD, code_now())).status_code == 429, "guesses lock the name"
    assert sent(operator) == []


async def test_who_needs_no_app_needs_no_codes(office: BackOffice) -> None:
    await office.log_in("finance")
    office.command_api.requested.clear()
    assert "nothing to recover" in (await office.page("/recovery-codes")).text
    assert office.command_api.requested == []

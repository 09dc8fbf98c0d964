"""One-time codes: those of the standard, each once, and only around now."""

import base64
import time
from typing import Any

import pytest
from pydantic import ValidationError

from back_office.staff.cli_run import run_totp
from back_office.staff.totp import OneTimeCodes, code_at, new_secret
from infra.settings.staff import StaffAccount
from tests.unit.back_office.conftest import ROLES, opened, settings
from tests.unit.back_office.fake_apis import a_command_api, a_query_api

OF_THE_STANDARD = base64.b32encode(b"12345678901234567890").decode()


# https://www.rfc-editor.org/rfc/rfc6238#appendix-B, of whose 8 digits these are the last 6.
@pytest.mark.parametrize(
    ("second", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_codes_are_those_of_the_standard(second: int, code: str) -> None:
    assert code_at(OF_THE_STANDARD, second // 30) == code


def codes_at(step: int) -> OneTimeCodes:
    return OneTimeCodes(now=lambda: 30.0 * step)


@pytest.mark.parametrize(("off", "fits"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_fits_a_step_early_or_late(off: int, fits: bool) -> None:
    secret = new_secret()
    assert codes_at(1000).take("anna", secret, code_at(secret, 1000 + off)) is fits


def test_a_code_opens_once_and_no_older_one_after_it() -> None:
    secret, codes = new_secret(), codes_at(1000)
    assert codes.take("anna", secret, code_at(secret, 1000))
    assert not codes.take("anna", secret, code_at(secret, 1000))
    assert not codes.take("anna", secret, code_at(secret, 999))
    assert codes.take("anna", secret, code_at(secret, 1001))
    assert codes.take("bo", secret, code_at(secret, 1000)), "of each name"


@pytest.mark.parametrize("code", ["", "0", "abcdef", "\uff11\uff12\uff13\uff14\uff15\uff16", "1" * 40])
def test_what_is_no_code_never_fits(code: str) -> None:
    assert not codes_at(1000).take("anna", new_secret(), code)


@pytest.mark.parametrize("secret", ["", "ABC", "not base32!", base64.b32encode(b"short").decode()])
def test_a_weak_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(ValidationError) as refused:
        StaffAccount(name="anna", role="support", password_hash="$argon2id$x", totp_secret=secret)
    assert not secret or secret not in str(refused.value)


async def test_a_log_in_needs_the_code_and_counts_a_wrong_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_totp("finance") == 0
    printed = capsys.readouterr()
    secret = printed.out.strip()
    assert f"otpauth://totp/Paystream:finance?secret={secret}" in printed.err
    accounts: list[Any] = [
        each.model_dump() | ({"totp_secret": secret} if each.name == "finance" else {})
        for each in settings().back_office_staff
    ]
    given = settings(back_office_staff=accounts, back_office_lockout_failures=2)
    async with opened(given, a_query_api(), a_command_api()) as office:
        assert (await office.log_in("finance")).status_code == 401, "the password alone opens nothing"
        right = code_at(secret, int(time.time() // 30))
        assert (await office.log_in("finance", code=right)).status_code == 303
        assert (await office.log_in("finance", code=right)).status_code == 401, "it is used"
        assert (await office.log_in("finance", code="000000")).status_code == 401
        assert (await office.log_in("finance", code="000000")).status_code == 429, "guesses lock the name"
        for role in ROLES[:1]:
            assert (await office.log_in(role)).status_code == 303, "who has no secret needs no code"

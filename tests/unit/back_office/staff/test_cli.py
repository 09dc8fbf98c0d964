"""`paystream staff hash`."""

import getpass
import io

import pytest

from back_office.staff.cli_run import run_hash
from back_office.staff.passwords import Accounts
from infra.settings.staff import StaffAccount


async def test_the_hash_of_a_piped_password_opens_its_account(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\nmore\n"))
    assert run_hash() == 0
    made = capsys.readouterr().out.strip()
    account = StaffAccount(name="anna", role="support", password_hash=made)
    assert await Accounts([account]).verify("anna", "correct horse battery") == account


def test_a_short_password_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))
    assert run_hash() == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "12 characters" in said.err


def test_a_typed_password_has_to_be_typed_twice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = iter(["correct horse battery", "correct horse batteri"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", lambda _: next(typed))
    assert run_hash() == 1
    assert "not the same" in capsys.readouterr().err

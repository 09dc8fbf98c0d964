"""`paystream staff list`, `lock` and `unlock`."""

from collections.abc import Iterator

import pytest

from back_office.apis.client import Api
from back_office.staff.cli_locks import run_change, run_list
from tests.unit.back_office.conftest import settings
from tests.unit.back_office.fake_apis import FakeApi, FakeStaffLocks, a_command_api, a_problem, away, body_of


@pytest.fixture
def kept() -> FakeStaffLocks:
    return FakeStaffLocks()


@pytest.fixture
def api(kept: FakeStaffLocks, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    """The command API, as the command finds it by its settings."""
    api = a_command_api()
    api.answers |= kept.answers()
    keys: list[str] = []

    def at(url: str, *, key: str, **_: object) -> Api:
        keys.append(f"{key} {url}")
        return api.api()

    given = settings(back_office_operator_api_key="sk_operator", back_office_command_api_url="http://commands.test")
    monkeypatch.setattr("back_office.staff.cli_locks.load_settings", lambda _: given)
    monkeypatch.setattr(Api, "at", at)
    yield api
    assert set(keys) == {"sk_operator http://commands.test"}


def test_somebody_is_locked_shown_and_unlocked(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_change("Finance", "lock", actor="olga", reason=" a lost laptop ") == 0
    assert run_list(as_json=False) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "finance is locked." in said
    assert "locked by olga, with the API key back-office" in said
    assert "a lost laptop" in said
    assert "support support none open" in said
    assert run_change("finance", "unlock", actor="olga", reason="it was found") == 0
    assert run_list(as_json=False) == 0
    assert "locked by" not in capsys.readouterr().out
    assert [(each.url.path, body_of(each), each.headers["paystream-actor"]) for each in api.commands()] == [
        ("/staff/finance/lock", {"reason": "a lost laptop"}, "olga"),
        ("/staff/finance/unlock", {"reason": "it was found"}, "olga"),
    ]


@pytest.mark.parametrize(
    ("name", "reason", "said"),
    [("nobody", "x", "has no account of the name nobody"), ("finance", " ", "Say why"), ("finance", "x" * 501, "500")],
)
def test_what_cannot_be_is_refused_before_it_is_sent(
    api: FakeApi, capsys: pytest.CaptureFixture[str], name: str, reason: str, said: str
) -> None:
    assert run_change(name, "lock", actor="olga", reason=reason) == 1
    assert said in capsys.readouterr().err
    assert api.commands() == []


@pytest.mark.parametrize(
    ("answer", "said"), [(away, "does not answer"), (a_problem(403, "forbidden", "No scope."), "refused: No scope.")]
)
def test_an_api_that_does_not_do_it_is_named(
    api: FakeApi, capsys: pytest.CaptureFixture[str], answer: object, said: str
) -> None:
    api.answers |= {"POST /staff/finance/lock": answer, "GET /staff-locks": answer}
    assert (run_change("finance", "lock", actor="olga", reason="x"), run_list(as_json=False)) == (1, 1)
    read = capsys.readouterr()
    assert read.err.count(said) == 2
    assert read.err.count("It may be done") == (answer is away)
    assert read.out == ""


def test_nobody_locks_themselves_out(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_change("finance", "lock", actor="finance", reason="x") == 1
    assert "themselves" in capsys.readouterr().err
    assert len(api.commands()) == 1

"""A witness starts with a key, its logs and its memory, or says what it lacks."""

import stat
from pathlib import Path

import pytest

from event_store.proofs.note import COSIGNATURE_V1, PrivateKey
from event_store.witness.cli_run import run_new_key
from event_store.witness.process import known_logs, witness_key, witness_state
from event_store.witness.settings import WitnessSettings
from infra.errors import ProcessFailed, WrongSetting
from tests.unit.event_store.witness.small_logs import KEY, WITNESS


def settings(**given: object) -> WitnessSettings:
    return WitnessSettings(_env_file=None, **given)  # type: ignore[arg-type]


def test_a_new_key_comes_with_an_empty_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_new_key("witness.example/w1", tmp_path / "w1.key") == 0
    made = settings(witness_key_file=tmp_path / "w1.key", app_env="production")
    key = witness_key(made)
    assert (key.name, key.algorithm) == ("witness.example/w1", COSIGNATURE_V1)
    assert (tmp_path / "w1.key.pub").read_text() == f"{key.public}\n"
    assert witness_state(made).newest("any").size == 0
    assert stat.S_IMODE((tmp_path / "w1.key").stat().st_mode) == 0o600
    said = capsys.readouterr().out
    assert str(key.public) in said
    assert key.written()[-20:] not in said
    assert run_new_key("witness.example/w1", tmp_path / "w1.key") == 1
    assert witness_key(made) == key


def test_a_name_that_no_key_can_have_is_a_wrong_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_new_key("a b", tmp_path / "w1.key") == 2
    assert "has a space" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("environment", ["development", "test", "production"])
def test_a_lost_memory_is_not_made_anew(tmp_path: Path, environment: str) -> None:
    with pytest.raises(WrongSetting, match="would sign any history"):
        witness_state(settings(witness_state_file=tmp_path / "state", app_env=environment))
    assert list(tmp_path.iterdir()) == []


def test_a_memory_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("something else, that is no database at all" * 30)
    with pytest.raises(ProcessFailed, match="cannot be used"):
        witness_state(settings(witness_state_file=tmp_path / "state"))


def test_the_logs_are_those_of_the_setting_and_of_the_file(tmp_path: Path) -> None:
    other = PrivateKey.new("example.com/other").public
    (tmp_path / "logs").write_text(f"# ours\n{other}\n")
    assert known_logs(settings(witness_logs=f"{KEY.public} ,", witness_logs_file=tmp_path / "logs")) == [
        KEY.public,
        other,
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "WITNESS_KEY_FILE is not set"),
        ({"witness_key": "nonsense-that-is-secret"}, "cannot be used"),
        ({"witness_key": KEY.written()}, "is of a log"),
        ({"witness_key_file": Path("/nowhere/key")}, "cannot be read"),
    ],
    ids=["none", "nonsense", "of a log", "no file"],
)
def test_without_a_key_of_a_witness_it_does_not_start(given: dict[str, object], said: str) -> None:
    with pytest.raises(WrongSetting, match=said) as refused:
        witness_key(settings(**given))
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "is set: whose checkpoints"),
        ({"witness_logs": "nonsense"}, "cannot be used"),
        ({"witness_logs": str(WITNESS.public)}, "the key of a witness"),
    ],
    ids=["none", "nonsense", "of a witness"],
)
def test_without_logs_it_does_not_start(given: dict[str, object], said: str) -> None:
    with pytest.raises(WrongSetting, match=said):
        known_logs(settings(**given))


def test_its_settings_do_not_show_the_key() -> None:
    assert WITNESS.written()[-20:] not in repr(settings(witness_key=WITNESS.written()))

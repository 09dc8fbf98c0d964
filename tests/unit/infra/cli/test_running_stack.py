"""Commands find the stack of a running `make run`: unless anything is set, and never in production."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from infra.cli import running_stack as stack
from infra.cli.app import SETTINGS_OF, app
from infra.cli.processes import COMMANDS
from infra.settings.fallback import fall_back_on
from infra.settings.kafka import KafkaSettings
from infra.settings.loading import load_settings
from infra.settings.postgres import DatabaseSettings, ReadDatabaseSettings
from infra.settings.stripe import StripeSettings
from tests.unit.infra.cli.test_doctor import run_a_stack

NEEDS_NONE = {"up", "demo", "doctor", "worker", "kafka", "schemas", "migrate-create", "witness", *COMMANDS}
USE_THE_STACK = {command for command, processes in SETTINGS_OF.items() if processes}
PLACES = {
    "DATABASE_URL": "postgresql://h/d",
    "READ_DATABASE_URL": "postgresql://h/d",
    "MIGRATION_DATABASE_URL": "postgresql://h/d",
    "REDIS_URL": "redis://h",
    "KAFKA_BOOTSTRAP_SERVERS": "h:1",
    "STRIPE_SECRET_KEY": "sk_test_x",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder on which a stack runs, without settings."""
    monkeypatch.chdir(tmp_path)
    for name in (*PLACES, "PAYSTREAM_HOME", "APP_ENV"):
        monkeypatch.delenv(name, raising=False)
    run_a_stack(tmp_path)


@pytest.fixture
def found() -> Iterator[None]:
    """Settings are read as `reconcile` does."""
    end = fall_back_on(lambda: stack.find(SETTINGS_OF["reconcile"]))
    yield
    end()


def test_every_command_finds_the_stack_or_needs_none() -> None:
    command = get_command(app)
    assert isinstance(command, TyperGroup)
    assert set(command.commands) == USE_THE_STACK | NEEDS_NONE
    assert not USE_THE_STACK & NEEDS_NONE


@pytest.mark.parametrize("command", sorted(USE_THE_STACK))
def test_a_command_works_with_the_running_stack(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    variables = stack.find(SETTINGS_OF[command]).variables
    assert any(name.endswith(("DATABASE_URL", "COMMAND_API_URL")) for name in variables)
    assert capsys.readouterr().err == f"Using the stack that runs on {Path.cwd() / '.paystream'}.\n"


def test_a_recovery_works_as_the_relay_and_sees_redis_and_stripe() -> None:
    variables = stack.find(SETTINGS_OF["recover"]).variables
    assert "paystream_relay_login" in variables["DATABASE_URL"]
    assert {"KAFKA_BOOTSTRAP_SERVERS", "REDIS_URL", "STRIPE_SECRET_KEY"} <= set(variables)


@pytest.mark.usefixtures("found")
def test_what_is_set_besides_the_places_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_POOL_SIZE", "3")
    monkeypatch.setenv("KAFKA_FETCH_MAX_WAIT_MS", "77")
    assert load_settings(DatabaseSettings).database_pool_size == 3
    assert "paystream_app_login" in load_settings(DatabaseSettings).database_url.get_secret_value()
    assert load_settings(KafkaSettings).kafka_fetch_max_wait_ms == 77
    assert load_settings(StripeSettings).stripe_api_base == "http://127.0.0.1:1"


@pytest.mark.usefixtures("found")
@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("where", ["environment", ".env"])
def test_one_place_that_is_set_is_enough_to_use_no_stack(
    name: str, where: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if where == ".env":
        Path(".env").write_text(f"{name}={PLACES[name]}\n")
    else:
        monkeypatch.setenv(name, PLACES[name])
    assert stack.find(SETTINGS_OF["reconcile"]).variables == {}
    with pytest.raises(SystemExit):
        load_settings(ReadDatabaseSettings if name == "DATABASE_URL" else DatabaseSettings)
    assert capsys.readouterr().err.endswith(f"A `make run` is running here; it is not used, since {name} is set.\n")


@pytest.mark.usefixtures("found")
@pytest.mark.parametrize("where", ["environment", ".env"])
def test_production_never_falls_back_on_a_running_stack(
    where: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if where == ".env":
        Path(".env").write_text("APP_ENV=production\n")
    else:
        monkeypatch.setenv("APP_ENV", "production")
    assert not stack.stands_in()
    with pytest.raises(SystemExit):
        load_settings(DatabaseSettings)
    assert "it is not used, since APP_ENV is not development or test" in capsys.readouterr().err


@pytest.mark.usefixtures("found")
def test_without_a_stack_the_message_says_where_one_is_looked_for(capsys: pytest.CaptureFixture[str]) -> None:
    (Path.cwd() / ".paystream" / "up.lock").unlink()
    with pytest.raises(SystemExit):
        load_settings(DatabaseSettings)
    shown = capsys.readouterr().err
    assert shown.splitlines()[0] == "DATABASE_URL is not set"
    assert "is found in the folder that PAYSTREAM_HOME names, by default .paystream here" in shown


def test_a_folder_that_cannot_be_read_is_told_as_such() -> None:
    remembered = Path(".paystream") / "stack.json"
    remembered.unlink()
    remembered.mkdir()  # root, who may run this, reads what is another user's
    hint = stack.find(SETTINGS_OF["tasks"]).hint
    assert hint is not None
    assert hint.startswith("Whether a `make run` is running there cannot be told. The folder ")
    assert "choose another one with PAYSTREAM_HOME" in hint

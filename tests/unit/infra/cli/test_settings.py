"""The settings of `paystream up`."""

from pathlib import Path

import pytest

from infra.cli.settings import UpSettings
from infra.cli.up import run_up
from infra.settings.loading import load_settings

_VARIABLES = ("COMMAND_API_PORT", "QUERY_API_PORT", "STRIPE_SANDBOX_PORT")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.chdir(tmp_path)
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("ports", "line"),
    [
        ({"COMMAND_API_PORT": "8001"}, "QUERY_API_PORT: must differ from COMMAND_API_PORT, both are 8001"),
        ({"STRIPE_SANDBOX_PORT": "8000"}, "STRIPE_SANDBOX_PORT: must differ from COMMAND_API_PORT, both are 8000"),
        ({"QUERY_API_PORT": "8002"}, "STRIPE_SANDBOX_PORT: must differ from QUERY_API_PORT, both are 8002"),
    ],
)
def test_one_port_for_two_servers_is_refused(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ports: dict[str, str], line: str
) -> None:
    for name, port in ports.items():
        environment.setenv(name, port)
    with pytest.raises(SystemExit) as ended:
        load_settings(UpSettings)
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"{line}\n"


def test_ports_that_differ_are_taken(environment: pytest.MonkeyPatch) -> None:
    for name, port in zip(_VARIABLES, ("8002", "8000", "8001"), strict=True):
        environment.setenv(name, port)
    assert load_settings(UpSettings).stripe_sandbox_port == 8001


@pytest.mark.parametrize("where", ["environment", ".env"])
def test_a_development_system_does_not_start_as_production(
    where: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    if where == ".env":
        Path(".env").write_text("APP_ENV=production\n")
    else:
        monkeypatch.setenv("APP_ENV", "production")
    assert run_up() == 2
    assert "is a system for development" in capsys.readouterr().err
    assert not (tmp_path / ".paystream").exists()

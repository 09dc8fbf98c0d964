import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.cli import doctor
from infra.cli.doctor import run_doctor
from infra.doctor.deployment import Deployment
from infra.doctor.finding import Area, Finding
from infra.embedded.home import Home
from infra.embedded.passwords import load_or_create
from infra.embedded.running import STACK_FILE

AREA = Area("Kafka")
FINE = [AREA.ok("brokers", "3 at a, b, c"), AREA.warning("security", "PLAINTEXT", "speak TLS"), AREA.skipped("x", "y")]
WRONG = [*FINE, AREA.error("topics", "missing: a\x1b[2J", "paystream topics create")]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder without settings."""
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "STRIPE_SECRET_KEY", "PAYSTREAM_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[Deployment]:
    """What was looked at; everything is fine there."""
    return found(monkeypatch, FINE)


def found(monkeypatch: pytest.MonkeyPatch, findings: list[Finding]) -> list[Deployment]:
    seen: list[Deployment] = []

    async def examine(deployment: Deployment) -> list[Finding]:
        seen.append(deployment)
        return findings

    monkeypatch.setattr(doctor, "examine", examine)
    return seen


def run_a_stack(folder: Path) -> None:
    """Make the folder look as if this process ran a stack on it."""
    home = Home(folder / ".paystream")
    home.path.mkdir()
    load_or_create(home)
    ports = dict.fromkeys(("postgres", "valkey", "broker", "command-api", "query-api", "sandbox", "back-office"), 1)
    home.remember(STACK_FILE, {"broker_kind": "embedded", **ports})
    (home.path / "up.lock").write_text(str(os.getpid()))


@pytest.mark.usefixtures("looked_at")
def test_warnings_and_what_was_skipped_are_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_doctor([], embedded=None, as_json=False) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[0] == "Looking at the settings of the environment and .env ..."
    assert shown.endswith("1 ok, 1 warning, 0 error, 1 skipped\n")
    assert "\x1b" not in shown  # no terminal, no colours


def test_an_error_is_shown_with_its_remedy_and_cannot_control_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found(monkeypatch, WRONG)
    assert run_doctor([], embedded=None, as_json=False) == 1
    shown = capsys.readouterr().out
    assert "missing: a [2J" in shown
    assert "-> paystream topics create" in shown
    assert "Nothing is set. Copy .env.example to .env" in shown


def test_machines_get_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found(monkeypatch, WRONG)
    assert run_doctor([], embedded=None, as_json=True) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["summary"] == {"ok": 1, "warning": 1, "error": 1, "skipped": 1}
    assert document["findings"][1] == {
        "area": "Kafka",
        "subject": "security",
        "status": "warning",
        "detail": "PLAINTEXT",
        "remedy": "speak TLS",
    }


def test_with_nothing_set_the_stack_that_runs_is_looked_at(looked_at: list[Deployment], tmp_path: Path) -> None:
    run_a_stack(tmp_path)
    assert run_doctor([], embedded=None, as_json=False) == 0
    assert looked_at[0].embedded


def test_settings_come_first_and_the_stack_is_hinted_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = found(monkeypatch, WRONG)
    run_a_stack(tmp_path)
    (tmp_path / ".env").write_text("REDIS_URL=redis://x\n")
    run_doctor([], embedded=None, as_json=False)
    assert not seen[0].embedded
    assert "paystream doctor --embedded" in capsys.readouterr().out


def test_the_chosen_processes_alone_are_looked_at(looked_at: list[Deployment]) -> None:
    run_doctor(["relay", "query-api"], embedded=None, as_json=False)
    assert [each.name for each in looked_at[0].processes] == ["relay", "query-api"]


@pytest.mark.parametrize(
    ("processes", "embedded", "code", "says"),
    [(["relais"], None, 2, "There is no process 'relais'"), ([], True, 1, "No Paystream runs on")],
)
def test_what_cannot_be_looked_at_is_said(
    processes: list[str], embedded: bool | None, code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_doctor(processes, embedded=embedded, as_json=False) == code
    assert says in capsys.readouterr().err


def test_wrong_settings_of_every_process_do_not_keep_the_rest_unchecked(
    looked_at: list[Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_ENV", "staging")
    assert run_doctor([], embedded=None, as_json=False) == 0
    assert len(looked_at) == 1


def test_it_ends_although_something_hangs_in_a_thread(tmp_path: Path) -> None:
    """As the look-up of a name does while no name server answers."""
    script = """
import asyncio, sys, time
from infra.cli import doctor

async def examine(deployment):
    task = asyncio.create_task(asyncio.to_thread(time.sleep, 60))
    await asyncio.wait({task}, timeout=0.1)
    return []

doctor.examine = examine
sys.exit(doctor.run_doctor([], embedded=False, as_json=True))
"""
    root = Path(__file__).parents[4]
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (ended.returncode, json.loads(ended.stdout)["findings"]) == (0, [])

import os
from pathlib import Path

import pytest

from infra.embedded.home import Home
from infra.embedded.passwords import load_or_create
from infra.embedded.running import STACK_FILE, NothingRuns, environments, is_running

PORTS = {
    "postgres": 1,
    "valkey": 2,
    "broker": 3,
    "command-api": 4,
    "query-api": 5,
    "sandbox": 6,
    "relay": 7,
    "back-office": 8,
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A folder as it is while a stack runs, held by this process."""
    home = Home(tmp_path)
    load_or_create(home)
    home.remember(STACK_FILE, {"broker_kind": "embedded", **PORTS})
    (tmp_path / "up.lock").write_text(str(os.getpid()))
    return home


def test_a_process_is_seen_as_the_stack_set_it_up(home: Home) -> None:
    found = environments(home.path, ["command-api", "projector", "migrate"])

    assert found["command-api"]["STRIPE_API_BASE"] == "http://127.0.0.1:6"
    assert found["command-api"]["DATABASE_URL"].startswith("postgresql://paystream_app_login:")
    assert found["command-api"]["REDIS_URL"].endswith("@127.0.0.1:2/0")
    assert found["projector"]["KAFKA_BOOTSTRAP_SERVERS"] == "127.0.0.1:3"
    assert found["projector"]["KAFKA_TRANSACTIONS"] == "false"
    assert found["migrate"]["MIGRATION_DATABASE_URL"].startswith("postgresql://paystream_owner:")


def test_real_kafka_is_used_as_in_production(home: Home) -> None:
    home.remember(STACK_FILE, {"broker_kind": "apache", **PORTS})
    assert "KAFKA_TRANSACTIONS" not in environments(home.path, ["relay"])["relay"]


def test_looking_does_not_keep_a_stack_from_starting(home: Home) -> None:
    assert is_running(home.path)
    with home:
        assert is_running(home.path)


@pytest.mark.parametrize("holder", ["", "4194304", "nobody"])  # 4194304: more than any process id
def test_a_stack_that_has_ended_does_not_run(home: Home, holder: str) -> None:
    (home.path / "up.lock").write_text(holder)
    assert not is_running(home.path)
    with pytest.raises(NothingRuns, match="make run"):
        environments(home.path, ["relay"])


@pytest.mark.parametrize("kept", [{}, {"broker_kind": "rabbit", **PORTS}, {"broker_kind": "embedded", "postgres": 1}])
def test_a_folder_that_says_too_little_is_taken_for_empty(home: Home, kept: dict[str, int | str]) -> None:
    home.remember(STACK_FILE, kept)
    assert not is_running(home.path)


def test_a_folder_that_there_is_not_is_no_stack(tmp_path: Path) -> None:
    assert not is_running(tmp_path / "none")
    assert not (tmp_path / "none").exists()

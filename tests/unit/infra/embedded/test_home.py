import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from infra.embedded.errors import DataUnusable, HomeInUse, HomeUnusable
from infra.embedded.home import Home
from infra.embedded.passwords import load_or_create


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_one_folder_is_for_one_stack_at_a_time(tmp_path: Path) -> None:
    with Home(tmp_path), pytest.raises(HomeInUse, match="already runs"), Home(tmp_path):
        pass
    with Home(tmp_path):
        pass


def test_git_takes_nothing_of_a_folder_that_it_makes(tmp_path: Path) -> None:
    with Home(tmp_path / "new"):
        pass
    assert (tmp_path / "new" / ".gitignore").read_text() == "*\n"
    with Home(tmp_path):
        pass
    assert not (tmp_path / ".gitignore").exists(), "a folder of somebody else"


def test_nobody_else_sees_into_the_folder(tmp_path: Path) -> None:
    made_by_hand = tmp_path / "open"
    made_by_hand.mkdir(mode=0o755)
    (made_by_hand / "logs").mkdir(mode=0o777)
    for path in (made_by_hand, tmp_path / "new" / "home"):
        with Home(path):
            for folder in (path, path / "logs", path / "run"):
                assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_is_remembered_is_for_this_user_only(home: Home) -> None:
    home.remember("secrets.json", {"key": "value"})
    assert stat.S_IMODE((home.path / "secrets.json").stat().st_mode) == 0o600
    assert home.remembered("secrets.json") == {"key": "value"}


@pytest.mark.parametrize("content", ["", "{", "[1]", "null"])
def test_a_damaged_file_counts_as_nothing_remembered(home: Home, content: str) -> None:
    (home.path / "ports.json").write_text(content)
    assert home.remembered("ports.json") == {}


def test_a_file_that_cannot_be_read_or_written_makes_the_home_unusable(home: Home) -> None:
    (home.path / "ports.json").mkdir()
    with pytest.raises(HomeUnusable, match="PAYSTREAM_HOME"):
        home.remembered("ports.json")
    with pytest.raises(HomeUnusable, match="PAYSTREAM_HOME"):
        home.remember("ports.json", {})


def test_a_home_that_is_not_writable_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, _: path != home.path)  # the tests may run as root
    with pytest.raises(HomeUnusable, match="Permission denied"):
        home.open()


def test_passwords_are_made_once_and_differ(home: Home) -> None:
    first = load_or_create(home)
    assert load_or_create(home) == first
    kept = json.loads((home.path / "secrets.json").read_text())
    assert len(set(kept.values())) == len(kept) == 11


def test_a_login_that_came_later_gets_a_password_of_its_own(home: Home) -> None:
    """In the folder of an older version there is data, and the passwords of the logins that it had."""
    before = load_or_create(home)
    kept = json.loads((home.path / "secrets.json").read_text())
    del kept["relay"]
    (home.path / "secrets.json").write_text(json.dumps(kept))
    (home.path / "postgres").mkdir()
    now = load_or_create(home)
    assert load_or_create(home) == now
    assert replace(now, relay=before.relay) == before


def test_passwords_do_not_show_in_a_representation(home: Home) -> None:
    passwords = load_or_create(home)
    assert passwords.owner not in repr(passwords)


def test_lost_passwords_are_not_replaced_while_the_data_needs_them(home: Home) -> None:
    (home.path / "postgres").mkdir()
    with pytest.raises(DataUnusable, match=r"secrets\.json is missing or damaged.* to begin anew"):
        load_or_create(home)

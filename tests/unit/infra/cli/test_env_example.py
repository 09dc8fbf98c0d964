"""`.env.example` is where a person looks settings up: it must name all of them, and work as it stands."""

import re
from pathlib import Path

import pytest
import stripe  # noqa: F401 - brings urllib3, which opens a socket when it is first imported: not within a test

from tests.support.configuration_page import settings_classes

_FILE = Path(__file__).parents[4] / ".env.example"


def test_names_every_setting_and_no_other() -> None:
    documented = set(re.findall(r"^([A-Z_]+)=", _FILE.read_text(), re.MULTILINE))
    assert documented == {field.upper() for each in settings_classes().values() for field in each.model_fields}


def test_works_as_it_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(_FILE.read_text())
    for each in settings_classes().values():
        each()

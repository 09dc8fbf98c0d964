"""`.env.example` is where a person looks settings up: it must name all of them, and work as it stands."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import stripe  # noqa: F401 - brings urllib3, which opens a socket when it is first imported: not within a test

from infra.process import declared
from infra.settings.process import ProcessSettings

_FILE = Path(__file__).parents[4] / ".env.example"
_WITNESS = "event_store.witness.settings"  # a command of its own, on a host of its own


def settings_classes() -> list[type[ProcessSettings]]:
    """Every settings class of the system."""
    for module in ("infra.cli.settings", "infra.redis.redlock.settings", "infra.stripe.guard.settings", _WITNESS):
        import_module(module)
    import_module("infra.settings.archive")  # of commands alone
    for group in (declared.PROCESSES, declared.WORKERS, declared.SETTINGS):
        for name in declared.names(group):
            declared.load(group, name)

    def below(parent: type[ProcessSettings]) -> Iterator[type[ProcessSettings]]:
        for child in parent.__subclasses__():
            yield child
            yield from below(child)

    # The doctor makes classes of its own while it looks at an environment; they stay until memory is tidied up.
    return [each for each in below(ProcessSettings) if not each.__module__.startswith(("tests.", "infra.doctor."))]


def test_names_every_setting_and_no_other() -> None:
    documented = set(re.findall(r"^([A-Z_]+)=", _FILE.read_text(), re.MULTILINE))
    assert documented == {field.upper() for each in settings_classes() for field in each.model_fields}


def test_works_as_it_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(_FILE.read_text())
    for each in settings_classes():
        each()

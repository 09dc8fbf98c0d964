"""What `paystream up` says before anything is started."""

from pathlib import Path

import pytest

from infra.cli.up import run_up


def test_a_range_of_ports_that_is_none_is_a_wrong_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PAYSTREAM_PORT_RANGE", "somewhere")
    monkeypatch.setenv("PAYSTREAM_HOME", str(tmp_path / "home"))
    assert run_up() == 2
    assert (
        capsys.readouterr().err == "\npaystream: PAYSTREAM_PORT_RANGE is 'somewhere': it has to be like 15000-17000.\n"
    )

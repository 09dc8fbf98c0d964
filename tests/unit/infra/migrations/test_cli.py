"""`paystream migrate` before it reaches a database."""

from pathlib import Path

import pytest

from infra.migrations.cli_run import run_migrate

SECRET = "hunter2-very-secret"


@pytest.mark.parametrize(
    "url", ["garbage", f"mysql://root:{SECRET}@x/y", f"postgresql+psycopg://a:{SECRET}@x/y", f"pasword={SECRET}"]
)
def test_what_is_no_database_is_one_clear_line(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIGRATION_DATABASE_URL", url)
    with pytest.raises(SystemExit) as ended:
        run_migrate()
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines() == [
        "MIGRATION_DATABASE_URL: must be like postgresql://user:password@host:5432/database"
    ]


def test_a_database_that_is_not_there_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIGRATION_DATABASE_URL", f"host={tmp_path} dbname=paystream password={SECRET}")
    assert run_migrate() == 1
    printed = capsys.readouterr().err
    assert printed.startswith("paystream: the migration failed: ")
    assert "Traceback" not in printed
    assert SECRET not in printed

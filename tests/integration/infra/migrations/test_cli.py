"""`paystream migrate` on a real database."""

from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from infra.embedded.databases import create_database, drop_database, is_migrated
from infra.embedded.postgres import PostgresServer
from infra.migrations.cli_run import run_migrate
from infra.migrations.runner import head_revision

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("form", ["url", "keywords"])
async def test_both_forms_of_a_connection_string_work(
    form: str, session_postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    url = await create_database(session_postgres, f"migrate_{form}")
    given = url if form == "url" else " ".join(f"{key}={value}" for key, value in conninfo_to_dict(url).items())
    monkeypatch.setenv("MIGRATION_DATABASE_URL", given)
    try:
        assert [run_migrate(), run_migrate()] == [0, 0]
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (head_revision(),)
    finally:
        await drop_database(session_postgres, f"migrate_{form}")


@pytest.fixture
async def migrated_url(
    session_postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[str]:
    """The address of a database at the newest revision, which is the one of the settings."""
    monkeypatch.chdir(tmp_path)
    url = await create_database(session_postgres, "migrate_newer")
    monkeypatch.setenv("MIGRATION_DATABASE_URL", url)
    assert run_migrate() == 0
    yield url
    await drop_database(session_postgres, "migrate_newer")


@pytest.mark.parametrize(
    ("revision", "code", "said"),
    [
        ("9999", 0, f"is at revision 9999, of a newer release than this one ({head_revision()}): it is left as it is."),
        ("somebody-elses", 1, "paystream: the database is at revision 'somebody-elses', which no release of Paystream"),
    ],
)
async def test_a_revision_that_this_release_does_not_know_is_told(
    revision: str, code: int, said: str, migrated_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(migrated_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [revision])
    assert run_migrate() == code
    shown = capsys.readouterr()
    assert said in shown.out + shown.err
    assert await is_migrated(migrated_url) is (code == 0), "`make run` goes on as it is"
    with psycopg.connect(migrated_url) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (revision,)

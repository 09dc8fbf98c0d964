"""`paystream migrate` on a real database."""

from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from infra.embedded.databases import create_database, drop_database
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

"""Runs the SQL file of a revision exactly as it stands."""

from pathlib import Path

from alembic import op

_SQL = Path(__file__).parent / "sql"


def run_sql_file(name: str) -> None:
    """Execute `sql/<name>` as one script.

    The script reaches the driver untouched (no parameter parsing), so `%`, `:` and dollar quotes mean what they
    mean in psql. It runs inside the revision's transaction.
    """
    script = (_SQL / name).read_text(encoding="utf-8")
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    with connection.cursor() as cursor:
        cursor.execute(script)

"""Builds indexes while the tables go on being written."""

from collections.abc import Iterable
from typing import NamedTuple

from alembic import op
from psycopg import sql


class Index(NamedTuple):
    """An index that a migration adds to a table that may be large."""

    schema: str
    table: str
    name: str
    on: str
    """What stands behind the table's name: columns in parentheses, and a condition."""
    unique: bool = False


def build_indexes(indexes: Iterable[Index]) -> None:
    """Build them one after the other, outside of the migration's transaction, which is committed before.

    One that an earlier attempt has left behind half built is built again.
    https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
    """
    with op.get_context().autocommit_block():
        connection = op.get_bind().connection.driver_connection
        assert connection is not None
        with connection.cursor() as cursor:
            for index in indexes:
                name = sql.Identifier(index.schema, index.name)
                cursor.execute(
                    "SELECT FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid", [name.as_string(None)]
                )
                if cursor.fetchone() is not None:
                    cursor.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(name))
                cursor.execute(
                    sql.SQL("CREATE {} CONCURRENTLY IF NOT EXISTS {} ON {} {}").format(
                        sql.SQL("UNIQUE INDEX" if index.unique else "INDEX"),
                        sql.Identifier(index.name),
                        sql.Identifier(index.schema, index.table),
                        sql.SQL(index.on),
                    )
                )

"""Builds indexes while the tables go on being written."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import LiteralString, NamedTuple

from alembic import op
from psycopg import Cursor, sql


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
                _build(cursor, index)


def build_partitioned_indexes(indexes: Iterable[Index]) -> None:
    """Build indexes of a partitioned table in the same way, a partition after the other.

    The index of the whole table is made last, and takes over those of the partitions that are there: nothing is built
    while the table is locked, unless a partition was added meanwhile, which has little in it.
    https://www.postgresql.org/docs/current/sql-createindex.html#id-1.9.3.69.6
    """
    with op.get_context().autocommit_block():
        connection = op.get_bind().connection.driver_connection
        assert connection is not None
        with connection.cursor() as cursor:
            for index in indexes:
                table = sql.Identifier(index.schema, index.table).as_string(None)
                cursor.execute(
                    "SELECT n.nspname, c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
                    " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.inhparent = %s::regclass ORDER BY c.oid",
                    [table],
                )
                for schema, partition in cursor.fetchall():
                    _build(cursor, index._replace(schema=schema, table=partition, name=f"{partition}_{index.name}"))
                _create(cursor, index, "")


def _build(cursor: Cursor, index: Index) -> None:
    name = sql.Identifier(index.schema, index.name)
    cursor.execute("SELECT FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid", [name.as_string(None)])
    with _patient(cursor):
        if cursor.fetchone() is not None:
            cursor.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(name))
        _create(cursor, index, "CONCURRENTLY")


@contextmanager
def _patient(cursor: Cursor) -> Iterator[None]:
    """Wait for older transactions for as long as they take: what waits for them so keeps nobody else waiting."""
    (limit,) = cursor.connection.execute("SHOW lock_timeout").fetchone() or ("0",)
    cursor.connection.execute("SET lock_timeout = 0")
    try:
        yield
    finally:
        cursor.connection.execute(sql.SQL("SET lock_timeout = {}").format(sql.Literal(limit)))


def _create(cursor: Cursor, index: Index, how: LiteralString) -> None:
    cursor.execute(
        sql.SQL("CREATE {} {} IF NOT EXISTS {} ON {} {}").format(
            sql.SQL("UNIQUE INDEX" if index.unique else "INDEX"),
            sql.SQL(how),
            sql.Identifier(index.name),
            sql.Identifier(index.schema, index.table),
            sql.SQL(index.on),
        )
    )

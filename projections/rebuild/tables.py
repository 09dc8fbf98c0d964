"""Makes the tables of a build like the live ones, and removes what is not needed any more."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, LiteralString

from psycopg import sql

from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections.rebuild.builds import Build
from projections.rebuild.errors import RebuildRefused
from projections.scratch import LIVE, TABLES

_FILLER: Final = "paystream_rebuild"
"""The role that may write the tables of a build and nothing else."""

SQL = Queries.load(Path(__file__).with_name("catalog.sql"))


def live_tables(projection: str) -> list[str]:
    """Return the live tables with their schema."""
    return [f"{LIVE}.{table}" for table in TABLES[projection]]


async def make_tables(conn: Connection, build: Build) -> None:
    """Make the tables of a build, empty, in a transaction of the caller; none of them when they are there.

    Raises RebuildRefused when something hangs on the live ones that could not be moved to these.
    """
    await refuse_immovable(conn, build.projection)
    await conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(build.schema)))
    await name_in_full(conn)
    for table in live_tables(build.projection):
        cursor = await conn.execute(SQL.definition, {"schema": build.schema, "table": table})
        await execute_all(conn, [statement for (statement,) in await cursor.fetchall()])
    schema, filler = sql.Identifier(build.schema), sql.Identifier(_FILLER)
    await conn.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, filler))
    for table in TABLES[build.projection]:
        rights = sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {}")
        await conn.execute(rights.format(sql.Identifier(build.schema, table), filler))


async def refuse_immovable(conn: Connection, projection: str) -> None:
    """Raise RebuildRefused when something hangs on the live tables that a swap would take away from them."""
    cursor = await conn.execute(SQL.immovable, {"tables": live_tables(projection)})
    if found := [name for (name,) in await cursor.fetchall()]:
        raise RebuildRefused(
            f"the tables of {projection} cannot be replaced, as these would stay with the old ones: {', '.join(found)}."
            " Remedy: drop them first, and make them again afterwards"
        )


async def refuse_changed(conn: Connection, build: Build) -> None:
    """Raise RebuildRefused when a migration has changed the live tables since those of the build were made."""
    names = {"tables": list(TABLES[build.projection]), "live": LIVE, "schema": build.schema}
    if found := [what for (what,) in await (await conn.execute(SQL.changed, names)).fetchall()]:
        raise RebuildRefused(
            f"the live tables have changed since build {build.build_id} began: {'; '.join(found)}. Remedy: paystream "
            f"projections drop {build.projection} --unfinished, and begin again"
        )


async def close_tables(conn: Connection, build: Build) -> None:
    """Take from whoever fills them the right to do so: in the transaction in which they go live."""
    for table in TABLES[build.projection]:
        statement = sql.SQL("REVOKE ALL ON {} FROM {}")
        await conn.execute(statement.format(sql.Identifier(build.schema, table), sql.Identifier(_FILLER)))


async def drop_tables(conn: Connection, build: Build, schema: str) -> None:
    """Drop a schema of a build with its tables, in a transaction of the caller; nothing that others made over them."""
    for table in TABLES[build.projection]:
        await conn.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(schema, table)))
    await conn.execute(sql.SQL("DROP SCHEMA IF EXISTS {}").format(sql.Identifier(schema)))


async def size_of(conn: Connection, projection: str, schema: str) -> tuple[int, int]:
    """Return how many rows the tables have by the last estimate, and their size in bytes."""
    cursor = await conn.execute(SQL.sizes, {"schema": schema, "tables": list(TABLES[projection])})
    row = await cursor.fetchone()
    assert row is not None
    return row[0], row[1]


async def name_in_full(conn: Connection) -> None:
    """Have PostgreSQL name every table with its schema, until the transaction ends."""
    await conn.execute(SQL.name_in_full)


async def execute_all(conn: Connection, statements: Sequence[LiteralString]) -> None:
    """Execute statements that PostgreSQL itself has made from its catalog."""
    for statement in statements:
        await conn.execute(statement)

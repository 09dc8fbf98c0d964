"""What a release left behind, on the servers of today's."""

import sqlite3
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import psycopg
import stripe
from psycopg import sql

from infra.embedded.binaries import postgres_bin
from infra.postgres.pool import Connection
from tests.integration.infra.stripe_sandbox.sandbox_process import running_sandbox, stripe_sdk
from tests.integration.upgrade.fixture_files import Fixture
from tests.support.finance_steps import STRIPE_KEY

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename"
_SET_CLOCK = "INSERT OR REPLACE INTO clock (only_row, real_time, sandbox_time, rate) VALUES (1, ?, ?, 1)"
_BELONG_HERE = """
UPDATE event_store.incarnation
   SET server = event_store.server_identity(), verified_start = pg_postmaster_start_time()
"""
_FORGET = "DELETE FROM consumers.consumer_checkpoints WHERE consumer LIKE 'projection:%'"


def restore_database(url: str, fixture: Fixture) -> None:
    """Fill an empty database, as its owner. The server has the group roles of the migrations."""
    done = subprocess.run(
        [postgres_bin() / "psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", url],
        input=fixture.database_sql,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


async def belong_here(url: str) -> None:
    """Let the log think that it was always on this server: an upgrade is done in place, and a dump is not."""
    async with await psycopg.AsyncConnection.connect(url) as conn:
        await conn.execute(_BELONG_HERE)


def restore_sandbox(path: Path, fixture: Fixture) -> None:
    """Write the sandbox's file. Its clock goes on from when everything stood still: no hold has ended meanwhile."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(fixture.sandbox_sql)
        connection.execute(_SET_CLOCK, (time.time(), fixture.manifest.written_at.timestamp()))
        connection.commit()


@asynccontextmanager
async def sandbox_left_by(fixture: Fixture, path: Path) -> AsyncIterator[stripe.StripeClient]:
    """Run today's sandbox on what a release left; lend Stripe's SDK, pointed at it with the key of the stack."""
    restore_sandbox(path, fixture)
    async with running_sandbox(path) as sandbox, stripe_sdk(sandbox.url, stripe_secret_key=STRIPE_KEY) as client:
        yield client


async def rows_of(conn: Connection, schema: str) -> dict[str, list[Any]]:
    """Return all rows of a schema's tables, by table and in the order of their text."""
    names = await (await conn.execute(_TABLES, [schema])).fetchall()
    rows: dict[str, list[Any]] = {}
    for (name,) in names:
        query = sql.SQL("SELECT to_jsonb(t) FROM {} AS t ORDER BY t::text").format(sql.Identifier(schema, name))
        rows[name] = [row[0] for row in await (await conn.execute(query)).fetchall()]
    return rows


async def empty_read_model(url: str) -> None:
    """Remove all rows of the read model, as its owner, so that it can be built anew."""
    async with await psycopg.AsyncConnection.connect(url) as conn:
        names = await (await conn.execute(_TABLES, ["read_model"])).fetchall()
        tables = sql.SQL(", ").join(sql.Identifier("read_model", name) for (name,) in names)
        await conn.execute(sql.SQL("TRUNCATE {}").format(tables))
        await conn.execute(_FORGET)

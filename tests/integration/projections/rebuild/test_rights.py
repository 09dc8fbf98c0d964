"""Who may do what in a rebuild: the owner, who need be no superuser; what maps events may do nearly nothing."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import LiteralString

import psycopg
import pytest
import pytest_asyncio
from psycopg import sql
from psycopg.conninfo import make_conninfo

from event_store.store import Connection as AppConnection
from infra.migrations.runner import upgrade
from infra.postgres.pool import Connection, create_pool
from tests.support.database import Database
from tests.support.rebuilds import LogProjector, rebuilding, rebuilt, rows_of, store_payments

pytestmark = pytest.mark.integration

GROUPS = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'paystream%' AND NOT rolcanlogin"
WRITES: tuple[LiteralString, ...] = (
    "INSERT INTO read_model.payments SELECT * FROM read_model.payments",
    "UPDATE read_model.payments SET status = 'x'",
    "DELETE FROM read_model.ledger_days",
    "TRUNCATE read_model.payments",
    "UPDATE consumers.consumer_checkpoints SET position = 0",
    "DELETE FROM event_store.events",
    "SELECT FROM event_store.events",
)


@pytest.mark.parametrize("statement", WRITES)
async def test_what_maps_events_reaches_no_live_table(owner: Connection, statement: LiteralString) -> None:
    await owner.execute("SET ROLE paystream_rebuild")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await owner.execute(statement)


async def test_it_can_write_the_tables_of_a_build_until_they_are_live(
    database: Database, app: AppConnection, owner: Connection, projector: LogProjector
) -> None:
    await store_payments(app, random.Random(1), 3)
    await projector.catch_up()
    async with rebuilding(database, "payments") as work:
        build, comparison = await work.build()
        async with owner.transaction(force_rollback=True):
            await owner.execute("SET LOCAL ROLE paystream_rebuild")
            await owner.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(build.schema, "payments")))
        await work.swap(build, comparison, forced=False, reason=None)
    rights = "SELECT has_table_privilege('paystream_rebuild', 'read_model.payments', 'SELECT, UPDATE')"
    assert await (await owner.execute(rights)).fetchone() == (False,)


@dataclass(frozen=True, kw_only=True)
class PlainlyOwned(Database):
    """A database whose owner is no superuser."""

    def url(self, role: str) -> str:
        url = super().url(role)
        return make_conninfo(url, user="plain_owner", password="plain") if role == "owner" else url


@pytest_asyncio.fixture
async def plainly_owned(database: Database) -> AsyncIterator[Database]:
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as superuser:
        await superuser.execute("CREATE ROLE plain_owner LOGIN CREATEROLE PASSWORD 'plain'")
        roles = [sql.Identifier(name) for (name,) in await (await superuser.execute(GROUPS)).fetchall()]
        for role in roles:  # as if it had made them
            await superuser.execute(sql.SQL("GRANT {} TO plain_owner WITH ADMIN TRUE, INHERIT FALSE").format(role))
        await superuser.execute("CREATE DATABASE plainly_owned OWNER plain_owner")
        try:
            found = PlainlyOwned(server=database.server, name="plainly_owned")
            await asyncio.to_thread(upgrade, found.url("owner"))
            yield found
        finally:
            await superuser.execute("DROP DATABASE plainly_owned WITH (FORCE)")
            for role in roles:  # with what it has granted itself
                await superuser.execute(sql.SQL("REVOKE {} FROM plain_owner CASCADE").format(role))
            await superuser.execute("DROP ROLE plain_owner")


async def test_an_owner_who_is_no_superuser_can_rebuild(plainly_owned: Database) -> None:
    async with (
        await psycopg.AsyncConnection.connect(plainly_owned.url("app")) as app,
        await psycopg.AsyncConnection.connect(plainly_owned.url("owner"), autocommit=True) as owner,
        create_pool(plainly_owned.url("projector"), size=2, name="projector-test") as pool,
    ):
        projector = LogProjector(pool, owner)
        await store_payments(app, random.Random(1), 5)
        await projector.catch_up()
        before = await rows_of(owner, "ledger")
        await rebuilt(plainly_owned, "ledger")
        assert await rows_of(owner, "ledger") == before
        await store_payments(app, random.Random(2), 5)
        await projector.catch_up()
        assert await rows_of(owner, "ledger") != before

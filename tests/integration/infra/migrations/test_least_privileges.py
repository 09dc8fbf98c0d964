"""Migration 0060 beside a relay that publishes and an erasure: they keep what they need, and lose the rest."""

from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio

from event_store.relay.partition_claim import PartitionClaim
from event_store.relay.shard import Shard
from event_store.store import QUERIES, append
from event_store.tail import Tail
from infra.migrations.runner import downgrade, upgrade
from infra.postgres.pool import Connection
from tests.support.database import Database, fresh_database, postgres_server
from tests.support.log_entries import an_append

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    """On a server of its own: what a role is a member of is the same in all databases of a server."""
    async with postgres_server(tmp_path_factory.mktemp("least")) as server, fresh_database(server) as lent:
        yield lent


async def is_application(connection: Connection) -> bool:
    row = await (await connection.execute("SELECT pg_has_role('paystream_app', 'USAGE')")).fetchone()
    assert row is not None
    return bool(row[0])


async def test_a_relay_and_an_erasure_go_on_through_the_upgrade(database: Database) -> None:
    owner = database.url("owner")
    downgrade(owner, "0059")
    async with (
        await psycopg.AsyncConnection.connect(database.url("app"), autocommit=True) as app,
        await psycopg.AsyncConnection.connect(database.url("relay"), autocommit=True) as relay,
        await psycopg.AsyncConnection.connect(database.url("erasure"), autocommit=True) as erasure,
    ):
        claim, tail = PartitionClaim(relay, Shard(index=0, count=1), 4), Tail()
        assert await claim.take()
        assert await is_application(relay)
        assert await is_application(erasure)
        for revision, wide in (("0060", False), ("0059", True), ("0060", False)):
            await append(app, [an_append()])
            (upgrade if revision == "0060" else downgrade)(owner, revision)
            assert len(await tail.read(relay)) == 1
            await claim.heartbeat(tail.cursor)
            await relay.execute(QUERIES["ensure_partitions"])
            await append(erasure, [an_append()])
            assert len(await tail.read(relay)) == 1
            assert (await is_application(relay), await is_application(erasure)) == (wide, wide)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await append(relay, [an_append()])

"""The read model beside a replay of the log, row by row."""

import random
import uuid

import psycopg
import pytest

from domain.ids import PaymentId
from event_store.store import Connection as AppConnection
from infra.postgres.pool import Pool
from projections.audit.diff import row_differences
from projections.registry import PROJECTIONS
from projections.row_differences import RowDifference
from projections.scratch import TABLES
from tests.support.balance_events import a_row
from tests.support.database import Database
from tests.support.payment_histories import random_history
from tests.support.read_model import load_log, project_log, store, store_balance

pytestmark = pytest.mark.integration

PARTITIONS = 3


async def differences(database: Database, projection: str | None = None) -> list[RowDifference]:
    async with await psycopg.AsyncConnection.connect(database.url("audit"), autocommit=True) as auditor:
        found = row_differences(auditor, partitions=PARTITIONS, projection=projection)
        return [each async for each in found]


async def projected(app: AppConnection, pool: Pool, seed: int = 1) -> list[PaymentId]:
    rng = random.Random(seed)
    ids = [PaymentId(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(25)]
    await store(app, [(each, random_history(rng, payment_id=each, steps=15)) for each in ids], rng=rng)
    await store_balance(app, *(a_row(f"txn_{number}", reporting_category="topup") for number in range(5)))
    await project_log(pool, await load_log(app), partitions=PARTITIONS)
    return ids


@pytest.mark.parametrize("seed", range(4))
async def test_what_was_projected_is_what_a_replay_makes(
    database: Database, app: AppConnection, pool_of_projector: Pool, seed: int
) -> None:
    await projected(app, pool_of_projector, seed)
    assert await differences(database) == []


async def test_partitions_that_lag_behind_are_no_difference(
    database: Database, app: AppConnection, pool_of_projector: Pool
) -> None:
    await projected(app, pool_of_projector)
    log = await load_log(app)
    later = PaymentId(uuid.uuid4())
    await store(app, [(later, random_history(random.Random(2), payment_id=later, steps=5))])
    assert len(await load_log(app)) > len(log)
    assert await differences(database) == []


CHANGES = {
    "payments": "UPDATE read_model.payments SET status = 'refunded' WHERE payment_id = '{id}'",
    "payment_timeline": "DELETE FROM read_model.payment_timeline WHERE payment_id = '{id}' AND version = 1",
    "ledger": "UPDATE read_model.ledger_entries SET category = 'other' WHERE position = (SELECT min(position)"
    " FROM read_model.ledger_entries)",
}


@pytest.mark.parametrize("projection", CHANGES)
async def test_a_row_that_was_changed_is_shown_with_what_it_should_be(
    database: Database, app: AppConnection, pool_of_projector: Pool, projection: str
) -> None:
    ids = await projected(app, pool_of_projector)
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        changed = await owner.execute(CHANGES[projection].format(id=ids[3]))
        assert changed.rowcount == 1
    (found,) = await differences(database)
    assert (found.projection, found.table in TABLES[projection]) == (projection, True)
    assert await differences(database, projection) == [found]
    others = [each for each in TABLES if each != projection]
    assert [each for name in others for each in await differences(database, name)] == []


async def test_an_invented_row_is_shown(database: Database, app: AppConnection, pool_of_projector: Pool) -> None:
    (first, *_) = await projected(app, pool_of_projector)
    invented = uuid.uuid4()
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute(
            "CREATE TEMPORARY TABLE copied AS SELECT * FROM read_model.payments WHERE payment_id = %s", [first]
        )
        await owner.execute("UPDATE copied SET payment_id = %s", [invented])
        await owner.execute("INSERT INTO read_model.payments SELECT * FROM copied")
    (found,) = await differences(database)
    assert (found.table, found.key, found.expected) == ("payments", {"payment_id": str(invented)}, None)


def test_every_projection_has_its_tables_named() -> None:
    assert {each.name for each in PROJECTIONS} == TABLES.keys()


async def test_every_table_of_the_read_model_is_compared(database: Database) -> None:
    async with await psycopg.AsyncConnection.connect(database.url("owner")) as owner:
        rows = await owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'read_model'")
        tables = {name for (name,) in await rows.fetchall()}
    assert tables == {table for names in TABLES.values() for table in names}

"""A projection that is built anew beside its live tables, and swapped with them."""

import random

import pytest

from event_store.store import Connection as AppConnection
from infra.postgres.pool import Connection
from projections.audit.diff import row_differences
from projections.rebuild.builds import builds_of
from projections.scratch import TABLES
from tests.support.database import Database
from tests.support.rebuilds import PARTITIONS, LogProjector, rebuilding, rows_of, store_all_kinds

pytestmark = pytest.mark.integration


async def no_differences(owner: Connection) -> bool:
    return [each async for each in row_differences(owner, partitions=PARTITIONS)] == []


@pytest.mark.parametrize("projection", TABLES)
async def test_the_rebuilt_tables_equal_the_live_ones(
    database: Database, app: AppConnection, owner: Connection, projector: LogProjector, projection: str
) -> None:
    await store_all_kinds(app, random.Random(1))
    await projector.catch_up()
    before = await rows_of(owner, projection)
    assert all(before[table] or table == "discrepancies" for table in before if table != "ledger_transactions")

    async with rebuilding(database, projection) as work:
        build, comparison = await work.build()
        assert comparison.differences == []
        assert await rows_of(owner, projection, build.schema) == before
        swapped = await work.swap(build, comparison, forced=False, reason=None)

    assert swapped.compared_again
    assert await rows_of(owner, projection) == before
    assert await rows_of(owner, projection, build.replaced_schema) == before
    (build,) = await builds_of(owner, projection)
    assert (build.phase, build.swapped_by, build.differences, build.forced) == ("swapped", "operator", 0, False)

    await store_all_kinds(app, random.Random(2))
    await projector.catch_up()
    assert await no_differences(owner)
    assert await rows_of(owner, projection, build.replaced_schema) == before

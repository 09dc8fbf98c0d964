"""A projection that is new stalls nobody: it is left out until a rebuild lets it join."""

import asyncio
import random

import pytest
from structlog.testing import capture_logs

from event_store.store import Connection as AppConnection
from infra.postgres.pool import Connection, Pool
from projections.audit.diff import row_differences
from projections.rebuild.builds import builds_of
from projections.rebuild.errors import RebuildRefused
from projections.registry import PROJECTIONS
from tests.support.database import Database
from tests.support.rebuilds import (
    PARTITIONS,
    LogProjector,
    nothing_differs,
    rebuilding,
    rebuilt,
    rows_of,
    store_all_kinds,
    store_payments,
)

pytestmark = pytest.mark.integration

WITHOUT_TIMELINE = [each for each in PROJECTIONS if each.name != "payment_timeline"]


async def checkpoints(owner: Connection) -> set[str]:
    rows = await owner.execute("SELECT DISTINCT consumer FROM consumers.consumer_checkpoints")
    return {name for (name,) in await rows.fetchall()}


async def differing(owner: Connection, projection: str) -> bool:
    return [each async for each in row_differences(owner, partitions=PARTITIONS, projection=projection)] != []


async def test_a_new_projection_joins_by_its_rebuild_and_the_others_go_on(
    database: Database, app: AppConnection, owner: Connection, pool: Pool
) -> None:
    await store_payments(app, random.Random(1), 8)
    before = LogProjector(pool, owner, WITHOUT_TIMELINE)
    await before.catch_up()
    after = before.with_projections(PROJECTIONS)  # a release that has one more
    await store_payments(app, random.Random(2), 8)
    with capture_logs() as logged:
        await after.catch_up()  # no gap: nobody reads again from the start

    (left_out,) = [each for each in logged if each["event"] == "consumer_checkpoint_missing"]
    assert left_out["checkpoint"] == "projection:payment_timeline"
    assert "projection:payment_timeline" not in await checkpoints(owner)
    assert not await differing(owner, "payments")
    assert not any((await rows_of(owner, "payment_timeline")).values())

    async with rebuilding(database, "payment_timeline") as work:
        build, comparison = await work.build()
        assert (comparison.is_new, comparison.differences) == (True, [])
        await store_payments(app, random.Random(3), 8)
        await after.catch_up()
        await work.swap(build, comparison, forced=False, reason=None)
    await store_payments(app, random.Random(4), 8)
    await after.catch_up()

    assert "projection:payment_timeline" in await checkpoints(owner)
    assert await nothing_differs(owner)
    (build,) = await builds_of(owner, "payment_timeline")
    assert (build.phase, build.differences, build.forced) == ("swapped", None, False)


async def test_a_partition_that_begins_meanwhile_is_everybodys_from_its_start(
    database: Database, app: AppConnection, owner: Connection, pool: Pool
) -> None:
    await store_payments(app, random.Random(1), 1)  # of one partition
    before = LogProjector(pool, owner, WITHOUT_TIMELINE)
    await before.catch_up()
    after = before.with_projections(PROJECTIONS)
    await store_payments(app, random.Random(2), 12)  # of all
    await after.catch_up()
    assert "projection:payment_timeline" in await checkpoints(owner)
    await rebuilt(database, "payment_timeline", forced=True, reason="it is new")
    await store_payments(app, random.Random(3), 12)
    await after.catch_up()
    assert await nothing_differs(owner)


async def test_where_nothing_was_projected_there_is_nothing_to_be_beside(
    database: Database, app: AppConnection, owner: Connection
) -> None:
    await store_all_kinds(app, random.Random(1), 2)
    async with rebuilding(database, "ledger") as work:
        with pytest.raises(RebuildRefused, match="start the projector"):
            await work.build()
    assert await builds_of(owner, "ledger") == []


async def test_it_joins_beside_projectors_that_go_on_and_leaves_no_gap(
    database: Database, app: AppConnection, owner: Connection, pool: Pool
) -> None:
    rng = random.Random(1)
    await store_payments(app, rng, 10)
    before = LogProjector(pool, owner, WITHOUT_TIMELINE)
    await before.catch_up()
    after = before.with_projections(PROJECTIONS)
    done = asyncio.Event()

    async def go_on() -> None:
        while not done.is_set():
            await store_payments(app, rng, 2)
            await after.advance(7)  # which fails at a gap

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(go_on())
        await rebuilt(database, "payment_timeline")
        done.set()
    await after.catch_up()
    assert await nothing_differs(owner)

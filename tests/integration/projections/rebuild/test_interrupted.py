"""A rebuild that is killed at any step goes on where it was, and nothing is in its tables twice."""

import asyncio
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from event_store.store import Connection as AppConnection
from infra.postgres.pool import Connection
from projections.rebuild.builds import builds_of, save_progress
from projections.rebuild.errors import RebuildRefused
from tests.support.database import Database
from tests.support.paystream_command import environment_of
from tests.support.rebuilds import LogProjector, nothing_differs, rebuilding, rebuilt, rows_of, store_payments
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ROOT = Path(__file__).parents[4]


@asynccontextmanager
async def stopped_at(database: Database, projection: str, step: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Lend a rebuild that has come to a step and stays there."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.rebuild_program", database.url("owner"), projection, step),
        cwd=ROOT,
        env=environment_of({}),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(40):
            assert await process.stdout.readline() == b"here\n"
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def is_gone(owner: Connection) -> bool:
    rows = await owner.execute("SELECT FROM pg_stat_activity WHERE application_name = 'to be killed'")
    return await rows.fetchall() == []


@pytest.mark.parametrize("step", ["batch", "analyzing", "comparing", "swapping"])
async def test_it_goes_on_after_a_kill_at_any_step(
    database: Database, app: AppConnection, owner: Connection, projector: LogProjector, step: str
) -> None:
    await store_payments(app, random.Random(1), 20)
    await projector.catch_up()
    async with stopped_at(database, "ledger", step):
        (before,) = await builds_of(owner, "ledger")
        assert before.progress.batches >= 3
        with pytest.raises(RebuildRefused, match="another process"):
            await rebuilt(database, "ledger")
    await eventually(lambda: is_gone(owner), bool, within=20)

    await store_payments(app, random.Random(2), 5)
    await projector.catch_up()
    await rebuilt(database, "ledger")

    (build,) = await builds_of(owner, "ledger")
    assert (build.build_id, build.phase, build.started_by) == (before.build_id, "swapped", "killed")
    assert build.progress.batches > before.progress.batches
    assert await nothing_differs(owner)
    assert await rows_of(owner, "ledger", build.replaced_schema) == await rows_of(owner, "ledger")


async def test_of_two_that_go_on_from_the_same_batch_one_fails(
    database: Database, app: AppConnection, owner: Connection, projector: LogProjector
) -> None:
    await store_payments(app, random.Random(1), 3)
    await projector.catch_up()
    async with rebuilding(database, "payments") as work:
        build, _ = await work.build()
        (found,) = await builds_of(owner, "payments")
        await save_progress(owner, build, found.progress, found.progress)
        with pytest.raises(RebuildRefused, match="another process has gone on"):
            await save_progress(owner, build, found.progress, found.progress)

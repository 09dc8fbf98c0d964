"""Several projections that are built from one reading of the log."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from event_store.store import Connection as AppConnection
from infra.postgres.pool import Connection
from projections.errors import MisplacedEvent
from projections.payments.projection import Payments
from projections.projection import Projection
from projections.rebuild.builds import Build, builds_of
from projections.rebuild.errors import RebuildRefused
from projections.rebuild.filling import Pass
from projections.rebuild.rebuilding import Rebuilding
from projections.rebuild.shared_reading import fill_together
from projections.rebuild.targets import Source
from projections.scratch import TABLES
from tests.support.database import Database
from tests.support.rebuilds import PARTITIONS, LogProjector, rebuilding, rows_of, store_all_kinds, store_payments

pytestmark = pytest.mark.integration

NAMES = tuple(TABLES)
SIZE = 20


@asynccontextmanager
async def all_of(database: Database, names: Sequence[str] = NAMES) -> AsyncIterator[list[Rebuilding]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(rebuilding(database, name, size=SIZE)) for name in names]


async def fill(owner: Connection, works: Sequence[Rebuilding]) -> list[Pass]:
    passes = [await each.begin_pass() for each in works]
    await fill_together(passes, Source(projection="payments", partitions=PARTITIONS), owner, size=SIZE)
    return passes


async def build_of(owner: Connection, name: str) -> Build:
    (build,) = await builds_of(owner, name)
    return build


async def test_all_of_them_equal_the_live_tables(
    database: Database, app: AppConnection, owner: Connection, projector: LogProjector
) -> None:
    await store_all_kinds(app, random.Random(1))
    await projector.catch_up()
    async with all_of(database) as works:
        passes = await fill(owner, works)
        assert all(each.applied for each in passes)
        for name, work in zip(NAMES, works, strict=True):
            filled = await build_of(owner, name)
            build, comparison = await work.build()
            assert comparison.differences == []
            assert build.progress.events == filled.progress.events, "something was left for later, or came twice"
            assert await rows_of(owner, name, build.schema) == await rows_of(owner, name)
    assert (await build_of(owner, "payments")).progress.batches > 3


async def test_one_that_is_further_gets_nothing_twice(
    database: Database, app: AppConnection, owner: Connection, projector: LogProjector
) -> None:
    await store_all_kinds(app, random.Random(1))
    while (await projector.advance(30)) and not await _has_rows(owner, "payments"):
        pass
    async with rebuilding(database, "payments", size=SIZE) as work:
        await work.build()
    ahead = (await build_of(owner, "payments")).progress
    assert ahead.events

    await store_payments(app, random.Random(2), 5)
    await projector.catch_up()
    names = ("payment_timeline", "payments")
    async with all_of(database, names) as works:
        timeline, payments = await fill(owner, works)
        assert timeline.applied == payments.applied + ahead.events
        for name, work in zip(names, works, strict=True):
            build, comparison = await work.build()
            assert comparison.differences == []
            assert await rows_of(owner, name, build.schema) == await rows_of(owner, name)


async def test_what_one_cannot_apply_ends_all_and_a_later_run_goes_on(
    database: Database,
    app: AppConnection,
    owner: Connection,
    projector: LogProjector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await store_payments(app, random.Random(1), 20)
    await projector.catch_up()
    names = ("payment_timeline", "payments", "ledger")
    with monkeypatch.context() as patched:
        patched.setattr(Payments, "write", _refusing_after(3))
        async with all_of(database, names) as works:
            with pytest.raises(RebuildRefused, match="cannot be applied"):
                await fill(owner, works)
    assert (await build_of(owner, "payments")).progress.batches == 3
    async with all_of(database, names) as works:
        await fill(owner, works)
        assert [(await work.build())[1].differences for work in works] == [[], [], []]


def _refusing_after(batches: int) -> object:
    write, count = Payments.write, 0

    async def refusing(self: Projection[object], conn: Connection, events: Sequence[object]) -> None:
        nonlocal count
        count += 1
        if count > batches:
            raise MisplacedEvent(projection="payments", event_type="payment.requested", position=1)
        await write(self, conn, events)  # type: ignore[arg-type]

    return refusing


async def _has_rows(owner: Connection, table: str) -> bool:
    row = await (await owner.execute(f"SELECT EXISTS (SELECT FROM read_model.{table})")).fetchone()
    return row == (True,)

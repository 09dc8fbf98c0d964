"""A projection that is built anew beside its live tables, and swapped with them."""

import asyncio
import itertools
import random
import uuid
from typing import Any, LiteralString

import pytest

from domain.ids import PaymentId
from domain.payment.events import PaymentEvent
from event_store.store import Connection as AppConnection
from infra.postgres.pool import Connection
from projections.rebuild import swapping
from projections.rebuild.builds import builds_of
from projections.rebuild.errors import RebuildRefused, RowsDiffer
from projections.rebuild.rebuilding import abandon, drop_replaced
from projections.rebuild.swapping import _Swap
from projections.scratch import TABLES
from schemas.topics import partition_of
from tests.support.database import Database
from tests.support.payment_histories import random_history
from tests.support.read_model import store
from tests.support.rebuilds import (
    PARTITIONS,
    LogProjector,
    definitions,
    nothing_differs,
    rebuilding,
    rebuilt,
    rows_of,
    store_all_kinds,
    store_payments,
)

pytestmark = pytest.mark.integration


@pytest.fixture
def always_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a comparison takes on a machine that has much else to do."""
    monkeypatch.setattr(swapping, "_QUICK_S", 60.0)


@pytest.mark.usefixtures("always_quick")
@pytest.mark.parametrize("projection", TABLES)
async def test_the_rebuilt_tables_equal_the_live_ones(
    database: Database, app: AppConnection, owner: Connection, projector: LogProjector, projection: str
) -> None:
    await store_all_kinds(app, random.Random(1))
    await projector.catch_up()
    before = await rows_of(owner, projection)
    empty = {"discrepancies", "ledger_transactions", "payment_timeline_removed"}
    assert all(before[table] for table in before if table not in empty)

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
    assert await nothing_differs(owner)
    assert await rows_of(owner, projection, build.replaced_schema) == before


@pytest.mark.parametrize("projection", TABLES)
async def test_definitions_views_and_rights_are_as_before(
    database: Database, app: AppConnection, owner: Connection, projector: LogProjector, projection: str
) -> None:
    await store_all_kinds(app, random.Random(1), 3)
    await projector.catch_up()
    before = await definitions(owner)
    await rebuilt(database, projection)
    assert await definitions(owner) == before
    await drop_replaced(owner, projection, actor="operator")
    assert await definitions(owner) == before


async def test_views_show_what_the_new_tables_have(
    database: Database, app: AppConnection, owner: Connection, projector: LogProjector
) -> None:
    await store_payments(app, random.Random(1), 5)
    await projector.catch_up()
    for projection in ("payments", "payment_timeline", "ledger"):
        await rebuilt(database, projection)
    await store_payments(app, random.Random(2), 5)
    await projector.catch_up()
    assert await count(owner, "read_model.applied_events") == await count(owner, "read_model.payment_timeline")
    movements = await count(owner, "read_model.ledger_movements WHERE position IS NOT NULL AND posted")
    assert await count(owner, "ledger.stripe_movements") >= movements > 0


async def count(owner: Connection, table: str) -> int:
    row = await (await owner.execute(f"SELECT count(*) FROM {table}")).fetchone()
    assert row is not None
    return int(row[0])


CHANGE = "UPDATE read_model.payments SET status = 'refunded' WHERE payment_id = %s"


async def test_a_swap_is_refused_when_rows_differ_and_they_are_named(
    database: Database, app: AppConnection, owner: Connection, projector: LogProjector
) -> None:
    ids = await store_payments(app, random.Random(1), 8)
    await projector.catch_up()
    await owner.execute(CHANGE, [ids[3]])
    before = await rows_of(owner, "payments")

    async with rebuilding(database, "payments") as work:
        build, comparison = await work.build()
        (found,) = comparison.differences
        assert (found.table, found.key) == ("payments", {"payment_id": str(ids[3])})
        assert found.actual == {"status": "refunded"}
        with pytest.raises(RowsDiffer, match="1 rows"):
            await work.swap(build, comparison, forced=False, reason=None)

    assert await rows_of(owner, "payments") == before
    (build,) = await builds_of(owner, "payments")
    assert (build.phase, build.differences) == ("compared", 1)


async def test_a_row_that_changes_after_the_comparison_is_seen_in_the_swap(
    database: Database, app: AppConnection, owner: Connection, projector: LogProjector
) -> None:
    ids = await store_payments(app, random.Random(1), 8)
    await projector.catch_up()
    async with rebuilding(database, "payments") as work:
        build, comparison = await work.build()
        assert comparison.differences == []
        await owner.execute(CHANGE, [ids[3]])
        with pytest.raises(RowsDiffer):
            await work.swap(build, comparison, forced=False, reason=None)
    assert (await builds_of(owner, "payments"))[0].phase == "compared"


async def test_a_partition_that_begins_during_a_swap_loses_no_event(
    database: Database,
    app: AppConnection,
    owner: Connection,
    projector: LogProjector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await store(app, [a_history(partition=0)], rng=random.Random(1))
    await projector.catch_up()
    exchange = _Swap._exchange_tables
    waiting: list[asyncio.Task[None]] = []

    async def exchange_while_one_begins(swap: _Swap) -> None:
        await store(app, [a_history(partition=1)], rng=random.Random(2))  # and none is in the third
        waiting.append(asyncio.create_task(projector.catch_up()))
        await asyncio.wait(waiting, timeout=0.5)  # it has to wait; else it is done by then
        await exchange(swap)

    monkeypatch.setattr(_Swap, "_exchange_tables", exchange_while_one_begins)
    async with rebuilding(database, "payments") as work:
        await work.swap(*await work.build(), forced=False, reason=None)
    await waiting[0]
    assert await nothing_differs(owner)
    unused = await owner.execute("SELECT count(*) FROM consumers.consumer_checkpoints WHERE position = 0")
    assert await unused.fetchone() == (0,)


def a_history(*, partition: int) -> tuple[PaymentId, list[PaymentEvent]]:
    """Return the events of a payment that are in a partition."""
    ids = (PaymentId(uuid.uuid4()) for _ in itertools.count())
    chosen = next(each for each in ids if partition_of(each, PARTITIONS) == partition)
    return chosen, random_history(random.Random(partition), payment_id=chosen, steps=12)


async def test_a_forced_swap_is_recorded_with_who_and_why(
    database: Database, app: AppConnection, owner: Connection, projector: LogProjector
) -> None:
    ids = await store_payments(app, random.Random(1), 8)
    await projector.catch_up()
    await owner.execute(CHANGE, [ids[3]])
    await rebuilt(database, "payments", forced=True, reason="a hand has written here")
    (build,) = await builds_of(owner, "payments")
    assert (build.phase, build.forced, build.reason, build.swapped_by, build.differences) == (
        "swapped",
        True,
        "a hand has written here",
        "operator",
        1,
    )
    assert await nothing_differs(owner)


async def test_two_rebuilds_of_one_projection_at_once_are_refused(
    database: Database, app: AppConnection, projector: LogProjector
) -> None:
    await store_payments(app, random.Random(1), 3)
    await projector.catch_up()
    async with rebuilding(database, "payments"), rebuilding(database, "ledger"):
        with pytest.raises(RebuildRefused, match="another process"):
            async with rebuilding(database, "payments"):
                pass


async def test_dropping_removes_the_old_tables_and_nothing_else(
    database: Database, app: AppConnection, owner: Connection, projector: LogProjector
) -> None:
    await store_payments(app, random.Random(1), 5)
    await projector.catch_up()
    with pytest.raises(RebuildRefused, match="no tables"):
        await drop_replaced(owner, "ledger", actor="operator")
    await rebuilt(database, "ledger")
    await rebuilt(database, "ledger")
    async with rebuilding(database, "ledger") as work:
        await work.build()
    before = await rows_of(owner, "ledger")
    assert len(await drop_replaced(owner, "ledger", actor="operator")) == 2
    await abandon(owner, "ledger", actor="operator")
    assert await rows_of(owner, "ledger") == before
    assert [each.phase for each in await builds_of(owner, "ledger")] == ["abandoned", "dropped", "dropped"]
    schemas = await owner.execute("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, 'read_model')")
    assert await schemas.fetchall() == [("read_model",)]


async def test_what_hangs_on_the_old_tables_is_not_lost_in_silence(
    database: Database, app: AppConnection, owner: Connection, projector: LogProjector
) -> None:
    await store_payments(app, random.Random(1), 3)
    await projector.catch_up()
    await owner.execute("CREATE MATERIALIZED VIEW public.of_mine AS SELECT payment_id FROM read_model.payments")
    async with rebuilding(database, "payments") as work:
        with pytest.raises(RebuildRefused, match="materialized view of_mine"):
            await work.build()
    assert await builds_of(owner, "payments") == []


async def test_a_view_of_somebody_else_follows_with_its_options(
    database: Database, app: AppConnection, owner: Connection, projector: LogProjector
) -> None:
    await store_payments(app, random.Random(1), 3)
    await projector.catch_up()
    await owner.execute("CREATE VIEW public.mine WITH (security_barrier) AS SELECT count(*) FROM read_model.payments")
    await rebuilt(database, "payments")
    await drop_replaced(owner, "payments", actor="operator")
    assert await one(owner, "SELECT * FROM public.mine") == (3,)
    options = await one(owner, "SELECT reloptions FROM pg_class WHERE relname = 'mine'")
    assert options == (["security_barrier=true"],)


@pytest.mark.parametrize(
    ("migration", "change"),
    [
        ("ALTER TABLE read_model.payments ADD COLUMN colour text", "payments: column colour text"),
        ("CREATE INDEX payments_mine ON read_model.payments (user_id)", "payments: index payments_mine"),
    ],
)
async def test_a_build_from_before_a_migration_is_refused_at_every_step(
    *,
    database: Database,
    app: AppConnection,
    owner: Connection,
    projector: LogProjector,
    migration: LiteralString,
    change: str,
) -> None:
    await store_payments(app, random.Random(1), 3)
    await projector.catch_up()
    async with rebuilding(database, "payments") as work:
        build, comparison = await work.build()
        await owner.execute(migration)
        with pytest.raises(RebuildRefused, match=change):
            await work.swap(build, comparison, forced=True, reason="new columns")
        with pytest.raises(RebuildRefused, match=change):
            await work.build()
    await abandon(owner, "payments", actor="operator")
    await rebuilt(database, "payments")


async def test_a_projection_whose_rows_have_a_new_meaning_is_rebuilt_by_force(
    database: Database, app: AppConnection, owner: Connection, projector: LogProjector
) -> None:
    await store_payments(app, random.Random(1), 3)
    await projector.catch_up()
    await owner.execute("ALTER TABLE read_model.payments DROP COLUMN description, ADD COLUMN description text")
    await owner.execute("UPDATE read_model.payments SET description = 'as the release before had it'")
    await rebuilt(database, "payments", forced=True, reason="descriptions are told apart")
    assert await nothing_differs(owner)


async def test_a_log_that_was_recovered_meanwhile_voids_the_build(
    database: Database, app: AppConnection, owner: Connection, projector: LogProjector
) -> None:
    await store_payments(app, random.Random(1), 3)
    await projector.catch_up()
    async with rebuilding(database, "payments") as work:
        await work.build()
        await owner.execute("UPDATE consumers.projection_builds SET epoch = epoch - 1")
        with pytest.raises(RebuildRefused, match="recovered"):
            await work.build()


async def test_an_event_that_cannot_be_applied_ends_it_and_is_named(
    database: Database, app: AppConnection, owner: Connection, projector: LogProjector
) -> None:
    await store_payments(app, random.Random(1), 3)
    await projector.catch_up()
    await owner.execute("ALTER TABLE event_store.events DISABLE TRIGGER USER")
    await owner.execute("UPDATE event_store.events SET type = 'payment.from_the_future' WHERE version = 2")
    async with rebuilding(database, "payments") as work:
        with pytest.raises(RebuildRefused, match="from_the_future"):
            await work.build()


async def one(owner: Connection, query: Any) -> Any:
    return await (await owner.execute(query)).fetchone()

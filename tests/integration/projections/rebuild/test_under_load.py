"""While a projection is rebuilt and swapped, commands, the projector and queries go on."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psycopg
import pytest

from domain.ids import PaymentId
from event_store.store import Connection as AppConnection
from infra.postgres.pool import Connection
from projections.payments.read import find
from projections.rebuild import builds, swapping
from projections.rebuild.builds import builds_of
from projections.rebuild.errors import SwapBlocked
from query_api.database import create_read_pool
from tests.support.database import Database
from tests.support.read_model import MERCHANT
from tests.support.rebuilds import LogProjector, nothing_differs, rebuilding, rebuilt, store_payments
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]

_MOST_PAYMENTS = 300


@asynccontextmanager
async def going_on(*works: Callable[[], Awaitable[object]]) -> AsyncIterator[list[int]]:
    """Do each of these again and again; lends how often each was done. Raises what any of them raises."""
    stop, counts = asyncio.Event(), [0] * len(works)

    async def repeat(number: int, work: Callable[[], Awaitable[object]]) -> None:
        while not stop.is_set():
            await work()
            counts[number] += 1

    async with asyncio.TaskGroup() as tasks:
        for number, work in enumerate(works):
            tasks.create_task(repeat(number, work))
        try:
            yield counts
        finally:
            stop.set()


async def more(counts: list[int], by: int = 3) -> None:
    """Wait until each was done some times more."""
    goal = [count + by for count in counts]
    while any(count < goal_of_each for count, goal_of_each in zip(counts, goal, strict=True)):  # noqa: ASYNC110 - others count
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("projection", ["payments", "payment_timeline", "ledger"])
async def test_no_query_fails_and_no_event_is_lost_or_applied_twice(
    database: Database, app: AppConnection, owner: Connection, projector: LogProjector, projection: str
) -> None:
    rng = random.Random(1)
    known = await store_payments(app, rng, 30)
    ids = [*known]
    await projector.catch_up()
    async with create_read_pool(database.url("query"), size=4, timeout_ms=5000) as readers:

        async def query() -> None:
            async with readers.connection() as conn:
                shown = await find(conn, merchant_id=MERCHANT, payment_id=PaymentId(rng.choice(known)))
                assert shown is not None
                for table in ("applied_events", "payment_timeline", "ledger_lines"):
                    cursor = await conn.execute(f"SELECT count(*) FROM read_model.{table}")
                    assert await cursor.fetchone() != (0,)

        async def append_and_project() -> None:
            if len(ids) < _MOST_PAYMENTS:
                ids.extend(await store_payments(app, rng, 1))
            await projector.catch_up()

        async with going_on(append_and_project, query, query, query, query) as counts:
            for _ in range(3):
                await rebuilt(database, projection)
                await more(counts)
    await projector.catch_up()
    assert await nothing_differs(owner)
    assert [each.differences for each in await builds_of(owner, projection)] == [0, 0, 0]


async def test_a_swap_that_cannot_have_its_locks_changes_nothing_and_names_who(
    database: Database,
    app: AppConnection,
    owner: Connection,
    projector: LogProjector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(swapping, "_LOCK_TIMEOUTS_MS", (20, 20))
    await store_payments(app, random.Random(1), 5)
    await projector.catch_up()
    async with (
        await psycopg.AsyncConnection.connect(database.url("query"), application_name="a long report") as reader,
        rebuilding(database, "payments") as work,
    ):
        await reader.execute("SELECT count(*) FROM read_model.payments")  # its transaction stays open
        build, comparison = await work.build()
        with pytest.raises(SwapBlocked, match=r"a long report"):
            await work.swap(build, comparison, forced=False, reason=None)
        await store_payments(app, random.Random(2), 5)
        await projector.catch_up()
        await reader.rollback()
        swapped = await work.swap(build, comparison, forced=False, reason=None)
        assert swapped.attempts == 1
    assert await nothing_differs(owner)


async def test_the_projector_waits_for_the_swap_and_goes_on_behind_it(
    database: Database,
    app: AppConnection,
    owner: Connection,
    projector: LogProjector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await store_payments(app, random.Random(1), 5)
    await projector.catch_up()
    mark, waiting = builds.mark_swapped, asyncio.Event()

    async def mark_later(*args: object, **options: object) -> None:
        waiting.set()
        await eventually(lambda: _somebody_waits(owner), bool, within=20)
        await mark(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(builds, "mark_swapped", mark_later)
    async with rebuilding(database, "payments") as work:
        build, comparison = await work.build()
        swap = asyncio.create_task(work.swap(build, comparison, forced=False, reason=None))
        await waiting.wait()
        await store_payments(app, random.Random(2), 5)
        await projector.catch_up()
        await swap
    assert await nothing_differs(owner)


async def _somebody_waits(owner: Connection) -> bool:
    query = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = 'paystream_projector_login'"
    return bool(await (await owner.execute(query)).fetchall())

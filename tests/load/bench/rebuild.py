"""Rebuilds of projections, beside COPY of the rows that they make."""

import random
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager

import psycopg
from psycopg import sql

from domain.ids import EventId, PaymentId
from event_store.appends import Append
from event_store.store import append
from infra.ids import uuid7
from infra.postgres.pool import Connection, create_pool
from projections.rebuild.builds import claimed
from projections.rebuild.rebuilding import Rebuilding
from projections.rebuild.targets import Source
from projections.scratch import LIVE, TABLES
from schemas.events import PAYMENT_CODEC
from tests.load.bench.measurement import Context, Goal, Prepared, Row, Rows, Sample
from tests.support.database import fresh_database, postgres_server
from tests.support.log_entries import MERCHANT, metadata
from tests.support.payment_histories import random_history
from tests.support.rebuilds import PARTITIONS, LogProjector

_EVENTS = 200_000
_STEPS = 6
_OPEN = 100
"""Payments whose events interleave."""
_REBUILT = ("payments", "payment_timeline", "ledger")


@asynccontextmanager
async def _rebuilding(context: Context) -> Prepared:
    async with (
        postgres_server(context.folder / "rebuilding") as server,
        fresh_database(server) as database,
        await psycopg.AsyncConnection.connect(database.url("app")) as app,
        await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner,
        await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as reader,
    ):
        events = await store_payments(app, context.count(_EVENTS))
        async with create_pool(database.url("projector"), size=2, name="bench") as pool:
            await LogProjector(pool, owner).catch_up()

        async def measure() -> Sample:
            seconds, copied = 0.0, 0.0
            details: dict[str, float] = {}
            for projection in _REBUILT:
                its_seconds, its_swap_ms = await _rebuild(owner, reader, projection)
                its_copy = await _copy_seconds(owner, TABLES[projection])
                details |= {
                    f"{projection} events/s": events / its_seconds,
                    f"{projection} of COPY": its_copy / its_seconds,
                    f"{projection} locked ms": its_swap_ms,
                }
                seconds, copied = seconds + its_seconds, copied + its_copy
            details["peak memory MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
            return Sample(value=events / seconds, limit=events / copied, details=details)

        yield measure


async def store_payments(app: Connection, at_least: int) -> int:
    """Append random payments, some of which go on at the same time; return how many events those are."""
    chance, count = random.Random(1), 0
    while count < at_least:
        for appends in _rounds(chance):
            await append(app, appends)
            count += sum(len(each.events) for each in appends)
        await app.commit()
    return count


def _rounds(chance: random.Random) -> Iterator[Sequence[Append]]:
    """Give the events of some payments, in each round the next one or two of each."""
    ids = [PaymentId(uuid7()) for _ in range(_OPEN)]
    left = {each: list(random_history(chance, payment_id=each, steps=_STEPS)) for each in ids}
    versions = dict.fromkeys(ids, 0)
    while left:
        appends = []
        for payment_id in list(left):
            size = chance.randint(1, 2)
            events, left[payment_id] = left[payment_id][:size], left[payment_id][size:]
            if not left[payment_id]:
                del left[payment_id]
            appends.append(
                Append(
                    stream_id=payment_id,
                    category="payment",
                    merchant_id=MERCHANT,
                    expected_version=versions[payment_id],
                    events=tuple(
                        PAYMENT_CODEC.encode(event, event_id=EventId(uuid7()), metadata=metadata()) for event in events
                    ),
                )
            )
            versions[payment_id] += len(events)
        yield appends


async def _rebuild(owner: Connection, reader: Connection, projection: str) -> tuple[float, float]:
    """Build, compare and swap; return how long it took to build, and how long the projector would have waited."""
    async with claimed(owner, projection):
        source = Source(projection=projection, partitions=PARTITIONS)
        work = Rebuilding(owner, source, actor="bench", reader=reader)
        build, comparison = await work.build()
        assert comparison.differences == []
        swapped = await work.swap(build, comparison, forced=False, reason=None)
        async with await owner.execute(
            "SELECT busy_ms FROM consumers.projection_builds WHERE build_id = %s", [build.build_id]
        ) as cursor:
            row = await cursor.fetchone()
            assert row is not None
    return row[0] / 1000, swapped.locked_ms


async def _copy_seconds(owner: Connection, tables: Sequence[str]) -> float:
    """Return how long COPY takes for the rows of some tables, into tables with the same indexes."""
    seconds = 0.0
    for table in tables:
        copied, source = sql.Identifier("public", f"copied_{table}"), sql.Identifier(LIVE, table)
        await owner.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(copied, source))
        async with owner.cursor() as cursor:
            async with cursor.copy(sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(source)) as out:
                rows = [bytes(part) async for part in out]
            started = time.monotonic()
            async with cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(copied)) as into:
                for part in rows:
                    await into.write(part)
            seconds += time.monotonic() - started
        await owner.execute(sql.SQL("DROP TABLE {}").format(copied))
    return seconds


ROWS: Rows = (
    Row(
        name="rebuild",
        title=f"rebuild payments, timeline and ledger from {_EVENTS:,} events, one after the other",
        unit="events/s",
        limit="COPY of the same rows",
        goal=Goal(at_least=0.25, of_limit=True),
        prepare=_rebuilding,
    ),
)

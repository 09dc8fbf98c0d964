"""Rebuilds of projections from one reading of the log, beside COPY of the rows that they make."""

import gc
import random
import resource
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import psycopg
from psycopg import sql

from domain.ids import EventId, PaymentId
from event_store.appends import Append
from event_store.store import append
from infra.ids import uuid7
from infra.postgres.pool import Connection, create_pool
from projections.rebuild.builds import claimed
from projections.rebuild.cli_run import OBJECTS_OF_A_BATCH
from projections.rebuild.rebuilding import Rebuilding
from projections.rebuild.shared_reading import fill_together
from projections.rebuild.targets import Source
from projections.scratch import LIVE, TABLES
from schemas.events import PAYMENT_CODEC
from tests.load.bench.measurement import Context, Goal, Prepared, Row, Rows, Sample
from tests.support.database import Database, fresh_database, postgres_server
from tests.support.log_entries import MERCHANT, metadata
from tests.support.payment_histories import random_history
from tests.support.rebuilds import PARTITIONS, LogProjector

_EVENTS = 1_000_000
_PROJECTED = 4_000
"""At once, by the projector of the bench: it is not what is measured."""
_STEPS = 6
_OPEN = 100
"""Payments whose events interleave."""
_PART = 128 * 1024
_REBUILT = ("payments", "payment_timeline", "ledger")


@asynccontextmanager
async def _rebuilding(context: Context) -> Prepared:
    async with (
        postgres_server(context.folder / "rebuilding") as server,
        fresh_database(server) as database,
        await psycopg.AsyncConnection.connect(database.url("app")) as app,
        await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner,
    ):
        events = await store_payments(app, context.count(_EVENTS))
        async with create_pool(database.url("projector"), size=2, name="bench") as pool:
            projector = LogProjector(pool, owner)
            while await projector.advance(_PROJECTED):
                pass

        async def measure() -> Sample:
            async with _opened(database) as (works, reader):
                seconds = await _fill_together(works, reader)
                locked_ms = {name: await _swap(work) for name, work in works.items()}
            copied = {name: await _copy_seconds(owner, TABLES[name]) for name in _REBUILT}
            details = {
                **{f"COPY of {name} events/s": events / its_copy for name, its_copy in copied.items()},
                **{f"{name} locked ms": ms for name, ms in locked_ms.items()},
                "peak memory MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
            }
            return Sample(value=events / seconds, limit=events / sum(copied.values()), details=details)

        yield measure


@asynccontextmanager
async def _opened(database: Database) -> AsyncIterator[tuple[dict[str, Rebuilding], Connection]]:
    """Lend rebuilds as the command has them, and the connection on which the log is read."""
    async with AsyncExitStack() as stack:

        async def connected() -> Connection:
            opening = psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True)
            return await stack.enter_async_context(await opening)

        reader, works = await connected(), dict[str, Rebuilding]()
        for name in _REBUILT:
            conn = await connected()
            await stack.enter_async_context(claimed(conn, name))
            works[name] = Rebuilding(conn, _source_of(name), actor="bench", reader=reader)
        stack.callback(gc.set_threshold, *gc.get_threshold())
        gc.set_threshold(OBJECTS_OF_A_BATCH)
        yield works, reader


def _source_of(projection: str) -> Source:
    return Source(projection=projection, partitions=PARTITIONS)


async def _fill_together(works: Mapping[str, Rebuilding], reader: Connection) -> float:
    """Fill the tables of all of them; return how long it took."""
    passes = [await each.begin_pass() for each in works.values()]
    started = time.monotonic()
    await fill_together(passes, _source_of(_REBUILT[0]), reader)
    return time.monotonic() - started


async def _swap(work: Rebuilding) -> float:
    """Compare and swap; return how long the projector would have waited."""
    build, comparison = await work.build()
    assert comparison.differences == []
    return (await work.swap(build, comparison, forced=False, reason=None)).locked_ms


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


async def _copy_seconds(owner: Connection, tables: Sequence[str]) -> float:
    """Return how long COPY takes for the rows of some tables, into tables with the same indexes."""
    seconds = 0.0
    for table in tables:
        copied, source = sql.Identifier("public", f"copied_{table}"), sql.Identifier(LIVE, table)
        await owner.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(copied, source))
        with tempfile.TemporaryFile() as rows:  # not in memory, whose peak is of the rebuild
            async with owner.cursor() as cursor:
                async with cursor.copy(sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(source)) as out:
                    async for part in out:
                        rows.write(part)
                rows.seek(0)
                started = time.monotonic()
                async with cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(copied)) as into:
                    while part := rows.read(_PART):
                        await into.write(part)
                seconds += time.monotonic() - started
        await owner.execute(sql.SQL("DROP TABLE {}").format(copied))
    return seconds


ROWS: Rows = (
    Row(
        name="rebuild",
        title=f"rebuild payments, timeline and ledger from {_EVENTS:,} events, at once",
        unit="events/s",
        limit="COPY of the same rows",
        goal=Goal(at_least=0.25, of_limit=True),
        prepare=_rebuilding,
    ),
)

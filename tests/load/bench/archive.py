"""Archives of the log, beside COPY of the same rows."""

import random
import resource
import shutil
import time
from collections.abc import Sequence
from contextlib import asynccontextmanager

import psycopg
from psycopg import sql

from event_store.appends import Append
from event_store.archive.archives import EVENTS_FILE
from event_store.archive.archiving import ArchivePlan, Archiving
from event_store.proofs.note import PrivateKey
from event_store.proofs.tile_folder import TileFolder
from event_store.sealer.sealing import Sealing
from event_store.store import Connection, append
from tests.load.bench.measurement import Context, Goal, Prepared, Row, Rows, Sample
from tests.load.bench.rebuild import store_payments
from tests.support.archived_logs import PARTITIONS, SIZE, stripe_event
from tests.support.database import Database, fresh_database, postgres_server

_EVENTS = 250_000
_OF_STRIPE = 0.28
"""How many of a log's events are what Stripe told, and how large those are, in a log of a few hundred payments."""
_TEXT_BYTES = 1_900
_BATCH = 200
_NAMES = random.Random(1)


@asynccontextmanager
async def _archiving(context: Context) -> Prepared:
    key = PrivateKey.new("example.com/bench")
    events = context.count(_EVENTS)
    async with postgres_server(context.folder / "archiving", fsync=True) as server:

        async def measure() -> Sample:
            shutil.rmtree(context.folder / "proofs", ignore_errors=True)
            shutil.rmtree(context.folder / "archive", ignore_errors=True)
            tiles = TileFolder(context.folder / "proofs")
            async with (
                fresh_database(server) as database,
                await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner,
            ):
                count = await _fill(database, owner, events)
                sealing = Sealing(tiles, [key], batch=10_000)
                while await sealing.seal(owner):
                    pass
                before_mb = _peak_mb()
                plan = ArchivePlan(
                    folder=context.folder / "archive",
                    tiles=tiles,
                    keys=[key.public],
                    partitions=PARTITIONS,
                    older_than_days=1,
                    actor="bench",
                )
                started = time.monotonic()
                done = await Archiving(owner, plan).run()
                seconds = time.monotonic() - started
                (file,) = plan.folder.glob(f"*/{EVENTS_FILE}")
                details = {
                    "peak memory MB": _peak_mb(),
                    "before MB": before_mb,
                    "file MB": file.stat().st_size / 1e6,
                    "partition MB": await _megabytes(owner, done.detached),
                    "kept MB": await _megabytes(owner, done.positions.partition),
                    "appends waited ms": done.waited_ms,
                }
                assert done.contents.events == count
                return Sample(
                    value=count / seconds, limit=count / await _copy_seconds(owner, done.detached), details=details
                )

        yield measure


async def _fill(database: Database, owner: Connection, events: int) -> int:
    async with await psycopg.AsyncConnection.connect(database.url("app")) as app:
        count = await store_payments(app, int(events * (1 - _OF_STRIPE)))
        for _ in range(0, int(events * _OF_STRIPE), _BATCH):
            await append(app, [_reported() for _ in range(_BATCH)])
            await app.commit()
            count += _BATCH
        await owner.execute("SET session_replication_role = replica")
        await owner.execute("UPDATE event_store.events SET recorded_at = recorded_at - interval '500 days'")
        await owner.execute("SET session_replication_role = origin")
        await owner.execute("VACUUM FULL event_store.events_p000000")
        await owner.execute(f"SELECT setval('event_store.event_position', {SIZE})")
        await append(app, [_reported()])
        await app.commit()
    await owner.execute(
        "INSERT INTO consumers.consumer_checkpoints (consumer, topic, partition, position)"
        f" SELECT 'stripe-webhooks', 'paystream.stripe-event', n, {2 * SIZE} FROM generate_series(0, {PARTITIONS}) n"
    )
    return count


def _reported() -> Append:
    text = f"{_NAMES.getrandbits(4 * _TEXT_BYTES):x}"  # as little to be compressed as what is encrypted
    return stripe_event(f"{_NAMES.getrandbits(64)}", description=text)


async def _copy_seconds(owner: Connection, table: str) -> float:
    """Return how long COPY takes for the same rows, into a table with the same indexes."""
    source = sql.Identifier("event_store", table)
    await owner.execute(sql.SQL("CREATE TABLE public.copied (LIKE {} INCLUDING ALL)").format(source))
    rows: Sequence[bytes]
    async with owner.cursor() as cursor:
        async with cursor.copy(sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(source)) as out:
            rows = [bytes(part) async for part in out]
        started = time.monotonic()
        async with cursor.copy("COPY public.copied FROM STDIN (FORMAT binary)") as into:
            for part in rows:
                await into.write(part)
        return time.monotonic() - started


async def _megabytes(owner: Connection, table: str) -> float:
    row = await (await owner.execute("SELECT pg_total_relation_size(%s)", [f"event_store.{table}"])).fetchone()
    assert row is not None
    return float(row[0]) / 1e6


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


ROWS: Rows = (
    Row(
        name="archive",
        title=f"archive a partition of {_EVENTS:,} events: write, read back, compare, exchange",
        unit="events/s",
        limit="COPY of the same rows",
        goal=Goal(at_least=0.1, of_limit=True),
        prepare=_archiving,
        rounds=2,
    ),
)

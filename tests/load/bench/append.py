"""Appending to the log, beside PostgreSQL's own pgbench that inserts the same row and does nothing else."""

import asyncio
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import psycopg

from event_store.group_commit import GroupCommit
from infra.embedded.binaries import postgres_bin
from infra.postgres.pool import create_pool
from tests.load.bench.measurement import Context, Goal, Measure, Prepared, Row, Rows, Sample
from tests.support.database import Database, fresh_database, postgres_server
from tests.support.log_entries import an_append

_SECONDS = 4.0
_CONNECTIONS = 2  # of the command API's pool that appends: more of them only divide the batches
_PGBENCH_CLIENTS = 16
_BARE_TABLE = """
CREATE TABLE public.bare_events (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id uuid NOT NULL, stream_id uuid NOT NULL,
    version bigint NOT NULL, category text NOT NULL, type text NOT NULL, schema_version integer NOT NULL,
    data jsonb NOT NULL, metadata jsonb NOT NULL, recorded_at timestamptz NOT NULL)
"""
_BARE_INSERT = """
INSERT INTO public.bare_events
    (event_id, stream_id, version, category, type, schema_version, data, metadata, recorded_at)
VALUES (gen_random_uuid(), gen_random_uuid(), 1, 'payment', 'test.happened', 1, '{}',
        '{"correlation_id": "c-1", "actor": "test", "merchant_id": "merchant_test"}', now());
"""
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


@asynccontextmanager
async def durable_database(context: Context) -> AsyncIterator[Database]:
    """Lend a database whose commits reach the disk."""
    async with postgres_server(context.folder / "durable", fsync=True) as server, fresh_database(server) as database:
        yield database


async def appends_a_second(appender: GroupCommit, *, callers: int, seconds: float) -> float:
    """Append one event, with the record of its idempotency key, again and again from so many callers."""
    ends, count = time.monotonic() + seconds, 0

    async def append() -> None:
        nonlocal count
        while time.monotonic() < ends:
            await appender.append(an_append(key=str(uuid.uuid4())))
            count += 1

    started = time.monotonic()
    await asyncio.gather(*(append() for _ in range(callers)))
    return count / (time.monotonic() - started)


async def inserts_a_second(database: Database, script: Path, seconds: float) -> float:
    """Return what pgbench reaches."""
    arguments = (
        *("--no-vacuum", "--protocol=prepared", f"--client={_PGBENCH_CLIENTS}", "--jobs=2"),
        *(f"--time={max(1, round(seconds))}", f"--file={script}", database.url("owner")),
    )
    process = await asyncio.create_subprocess_exec(
        postgres_bin() / "pgbench", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    found = _TPS.search(output.decode())
    assert found is not None, output.decode()
    return float(found[1])


def _row(callers: int, share: float) -> Row:
    return Row(
        name=f"append-{callers}",
        title=f"append with an idempotency record, {callers} callers",
        unit="events/s",
        limit=f"pgbench, bare INSERT of the event's row, {_PGBENCH_CLIENTS} clients",
        goal=Goal(at_least=share, of_limit=True),
        prepare=_prepare(callers),
    )


def _prepare(callers: int) -> Callable[[Context], AbstractAsyncContextManager[Measure]]:
    @asynccontextmanager
    async def prepared(context: Context) -> Prepared:
        script = context.folder / "bare_insert.sql"
        script.write_text(_BARE_INSERT)
        async with (
            durable_database(context) as database,
            create_pool(database.url("app"), size=_CONNECTIONS, name="bench") as pool,
        ):
            async with await psycopg.AsyncConnection.connect(database.url("owner")) as owner:
                await owner.execute(_BARE_TABLE)
            appender = GroupCommit(pool)

            async def measure() -> Sample:
                seconds = context.seconds(_SECONDS)
                value = await appends_a_second(appender, callers=callers, seconds=seconds)
                return Sample(value=value, limit=await inserts_a_second(database, script, seconds))

            yield measure
            await appender.close()

    return prepared


ROWS: Rows = (_row(16, 0.35), _row(64, 0.7), _row(256, 0.85))

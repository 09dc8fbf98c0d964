"""Compares the read model with a replay of the log into tables of its own, row by row.

All of it in one snapshot: the read model is compared as of its checkpoints, whatever is projected meanwhile. The replay
writes into temporary tables, by the code that the projector runs, and nobody else sees them. The snapshot holds vacuum
back for as long as it takes.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Final

from psycopg import sql

from event_store.privacy.vault import AnyVault
from event_store.replay.reading import Selection, read_runs
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections.projection import Projection
from projections.registry import PROJECTIONS
from projections.row_differences import RowDifference, differing_rows
from projections.runner import CHECKPOINT_PREFIX
from projections.scratch import LIVE, TABLES, Decoded, apply_events
from schemas.envelope import RecordedEvent
from schemas.topics import partition_of

_SQL = Queries.load(Path(__file__).with_name("audit.sql"))
_SCRATCH: Final = "pg_temp"


async def row_differences(
    conn: Connection,
    *,
    partitions: int,
    vault: AnyVault | None = None,
    projection: str | None = None,
    limit: int = 100,
    replayed: Callable[[int], None] = lambda _: None,
) -> AsyncIterator[RowDifference]:
    """Give up to `limit` differences of each table; none mean that the read model is what a replay makes.

    `partitions`: of the topics. `vault` has the keys of personal data, which the read model shows in clear.
    `projection`: of one alone. `replayed` is called with the position reached. `conn` is in autocommit, and of a role
    that may make temporary tables. Raises psycopg.Error, SchemaError, ProjectionError, or KeysNeeded when there is
    personal data and no key.
    """
    chosen = [each for each in PROJECTIONS if projection in (None, each.name)]
    tables = {name: TABLES[name] for name in dict.fromkeys(each.name for each in chosen)}
    async with conn.transaction():
        await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        checkpoints = await _checkpoints(conn)
        for table in (table for names in tables.values() for table in names):
            await _make_scratch(conn, table)
        up_to = max((each for (name, _, _), each in checkpoints.items() if name in tables), default=0)

        def is_projected(of: Projection[Any], event: RecordedEvent) -> bool:
            partition = partition_of(event.stream_id, partitions)
            return event.position <= checkpoints.get((of.name, of.topic, partition), 0)

        async for run in read_runs(conn, Selection(up_to=up_to)):
            await apply_events(conn, _SCRATCH, chosen, run.events, is_projected, decoded=Decoded(vault))
            replayed(run.position)
        for name, of_projection in tables.items():
            for table in of_projection:
                async for found in differing_rows(conn, name, table, _SCRATCH, limit=limit):
                    yield found


_Checkpoints = Mapping[tuple[str, str, int], int]


async def _checkpoints(conn: Connection) -> _Checkpoints:
    """Return how far each projection has come, by its name, topic and partition."""
    rows = await (await conn.execute(_SQL.projection_positions, {"prefix": CHECKPOINT_PREFIX})).fetchall()
    return {(consumer.removeprefix(CHECKPOINT_PREFIX), topic, partition): at for consumer, topic, partition, at in rows}


async def _make_scratch(conn: Connection, table: str) -> None:
    statement = sql.SQL(
        "CREATE TEMPORARY TABLE {table} (LIKE {live} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)"
        " ON COMMIT DROP"
    )
    await conn.execute(statement.format(table=sql.Identifier(table), live=sql.Identifier(LIVE, table)))

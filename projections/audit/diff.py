"""Compares the read model with a replay of the log into tables of its own, row by row.

All of it in one snapshot: the read model is compared as of its checkpoints, whatever is projected meanwhile. The replay
writes into temporary tables, by the code that the projector runs, and nobody else sees them. The snapshot holds vacuum
back for as long as it takes.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from event_store.privacy.vault import AnyVault
from event_store.replay.reading import Selection, read_runs
from infra.errors import InfraError
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections.projection import Projection
from projections.registry import PROJECTIONS
from projections.runner import CHECKPOINT_PREFIX, DECODE, PERSONAL
from schemas.envelope import RecordedEvent
from schemas.personal.encrypted import has_encrypted
from schemas.topics import partition_of, topic_of

_SQL = Queries.load(Path(__file__).with_name("audit.sql"))
LIVE: Final = "read_model"
_SCRATCH: Final = "pg_temp"

TABLES: Mapping[str, Sequence[str]] = {
    "payments": ("payments",),
    "payment_timeline": ("payment_timeline",),
    "split_payments": ("split_payments", "split_payment_events"),
    "reconciliation": ("reconciliations", "discrepancies"),
    "ledger": (
        "ledger_streams",
        "ledger_movements",
        "ledger_transactions",
        "ledger_entries",
        "ledger_lines",
        "ledger_days",
    ),
}
"""The tables of each projection."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RowDifference:
    """A row that is not what the log says. `expected` is that of the replay, `actual` that of the read model.

    Of both the columns that differ, or all of them where one side has no such row (None).
    """

    projection: str
    table: str
    key: Mapping[str, Any]
    expected: Mapping[str, Any] | None
    actual: Mapping[str, Any] | None


class KeysNeeded(InfraError):
    """The read model shows personal data in clear: it cannot be compared with what is encrypted."""

    def __init__(self) -> None:
        super().__init__(
            "the log has encrypted personal data. Remedy: PRIVACY_WRAPPING_KEYS, as the projector has them"
        )


class _ScratchCursor(psycopg.AsyncCursor[Any]):
    """Has what a projection writes into the read model written into the temporary tables."""

    async def execute(
        self, query: Any, params: Any = None, *, prepare: bool | None = None, binary: bool | None = None
    ) -> "_ScratchCursor":
        assert isinstance(query, str)
        return await super().execute(query.replace(f"{LIVE}.", f"{_SCRATCH}."), params, prepare=prepare, binary=binary)


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
        async for run in read_runs(conn, Selection(up_to=up_to)):
            await _apply(conn, chosen, await _in_clear(run.events, vault), checkpoints, partitions)
            replayed(run.position)
        for name, of_projection in tables.items():
            for table in of_projection:
                async for found in _compare(conn, name, table, limit):
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


async def _in_clear(events: Sequence[RecordedEvent], vault: AnyVault | None) -> Sequence[RecordedEvent]:
    """Return the events with the personal data that the read model shows."""
    shown = [each for each in events if topic_of(each.category) in PERSONAL and has_encrypted(each.data)]
    if not shown:
        return events
    if vault is None or not vault.encrypts:
        raise KeysNeeded
    clear = {each.position: each for each in await vault.decrypt(shown)}
    return [clear.get(each.position, each) for each in events]


async def _apply(
    conn: Connection,
    chosen: Sequence[Projection[Any]],
    events: Sequence[RecordedEvent],
    checkpoints: _Checkpoints,
    partitions: int,
) -> None:
    for each in chosen:
        decode = DECODE[each.topic]
        new = [
            decode(event)
            for event in events
            if topic_of(event.category) == each.topic
            and event.position <= checkpoints.get((each.name, each.topic, partition_of(event.stream_id, partitions)), 0)
        ]
        if new:
            plain, conn.cursor_factory = conn.cursor_factory, _ScratchCursor
            try:
                await each.write(conn, new)
            finally:
                conn.cursor_factory = plain


async def _compare(conn: Connection, projection: str, table: str, limit: int) -> AsyncIterator[RowDifference]:
    found = {"table": f"{LIVE}.{table}"}
    key = [name for (name,) in await (await conn.execute(_SQL.primary_key, found)).fetchall()]
    columns = [name for (name,) in await (await conn.execute(_SQL.columns, found)).fetchall()]
    statement = sql.SQL(
        "SELECT to_jsonb(s), to_jsonb(l) FROM {live} l FULL JOIN {scratch} s USING ({key})"
        " WHERE ({of_live}) IS DISTINCT FROM ({of_scratch}) ORDER BY {key} LIMIT {limit}"
    ).format(
        live=sql.Identifier(LIVE, table),
        scratch=sql.Identifier(_SCRATCH, table),
        key=sql.SQL(", ").join(map(sql.Identifier, key)),
        of_live=sql.SQL(", ").join(sql.Identifier("l", name) for name in columns),
        of_scratch=sql.SQL(", ").join(sql.Identifier("s", name) for name in columns),
        limit=sql.Literal(limit),
    )
    for expected, actual in await (await conn.execute(statement)).fetchall():
        both = expected or actual
        yield RowDifference(
            projection=projection,
            table=table,
            key={name: both[name] for name in key},
            expected=_differing(expected, actual),
            actual=_differing(actual, expected),
        )


def _differing(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if one is None or other is None:
        return one
    return {name: value for name, value in one.items() if value != other[name]}

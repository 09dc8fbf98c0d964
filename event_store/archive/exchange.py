"""Takes an archived partition out of the log, and puts one in its place that has only what may go on.

That one is filled beside the log, in small transactions. Then both change places in one short transaction, in which
the row is written that says so: at any instant the log has all of the partition, or the archive is whole.
"""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Final

import psycopg
from psycopg import sql

from event_store.archive.archives import SQL
from event_store.archive.errors import ArchiveRefused
from event_store.archive.policy import LEAVES
from event_store.archive.sealed_part import Contents, Range, SealedPart
from event_store.store import Connection

_SCHEMA: Final = "event_store"
_POSITIONS: Final = 200_000
"""How many are looked at in one transaction: each takes about a second."""
_LOCK_TIMEOUTS_MS: Final = (50, 100, 100, 200, 200, 400, 400, 800, 800, 1500, 1500, 2500)
"""Of each attempt: appends wait as long. The last ones are longer than autovacuum takes to give way (1 s)."""
_LOOK_AGAIN_S: Final = 0.1


async def fill_kept(
    connection: Connection, positions: Range, contents: Contents, *, looked: Callable[[str, int], None]
) -> None:
    """Make the table of what stays, or go on with it. Raises ArchiveRefused or psycopg.Error."""
    table = sql.Identifier(_SCHEMA, _kept(positions))
    await connection.execute(
        sql.SQL(
            "CREATE TABLE IF NOT EXISTS {kept} (LIKE event_store.events INCLUDING COMMENTS INCLUDING CONSTRAINTS"
            " INCLUDING DEFAULTS INCLUDING INDEXES INCLUDING STORAGE,"
            " CONSTRAINT of_this_partition CHECK (position >= {first} AND position < {until}))"
        ).format(kept=table, first=positions.first, until=positions.until)
    )
    row = await (await connection.execute(SQL.owner)).fetchone()
    assert row is not None
    await connection.execute(sql.SQL("ALTER TABLE {} OWNER TO {}").format(table, sql.Identifier(row[0])))
    index = sql.SQL("CREATE UNIQUE INDEX IF NOT EXISTS {} ON {} (event_id)")
    await connection.execute(index.format(sql.Identifier(f"{_kept(positions)}_event_id"), table))
    row = await (await connection.execute(sql.SQL("SELECT max(position) FROM {}").format(table))).fetchone()
    begin = positions.first if row is None or row[0] is None else row[0] + 1
    for at in range(begin, positions.until, _POSITIONS):
        copied = await connection.execute(
            sql.SQL(
                "INSERT INTO {} SELECT * FROM event_store.events WHERE position >= %(at)s AND position < %(to)s"
                " AND category <> ALL (%(left)s)"
            ).format(table),
            {"at": at, "to": min(at + _POSITIONS, positions.until), "left": sorted(LEAVES)},
        )
        if copied.rowcount:
            looked("kept", copied.rowcount)
    row = await (await connection.execute(sql.SQL("SELECT count(*) FROM {}").format(table))).fetchone()
    if row != (contents.kept,):
        raise ArchiveRefused(
            [f"{_kept(positions)} has {row and row[0]} events, {contents.kept} are to stay. Remedy: drop that table"]
        )
    await connection.execute(sql.SQL("ANALYZE {}").format(table))


async def wait_for_older(connection: Connection, *, within_s: float) -> None:
    """Wait for all transactions that are open now: what they see may lack the table of what stays.

    Raises ArchiveRefused for those that take longer.
    """
    deadline = time.monotonic() + within_s
    rows = await (await connection.execute(SQL.open_transactions)).fetchall()
    older = {transaction for transaction, _ in rows}
    while blocking := {pid for transaction, pid in rows if transaction in older}:
        if time.monotonic() > deadline:
            pids = ", ".join(map(str, sorted(blocking)))
            raise ArchiveRefused([f"transactions that began before are open: those of the processes {pids}"])
        await asyncio.sleep(_LOOK_AGAIN_S)
        rows = await (await connection.execute(SQL.open_transactions)).fetchall()


async def exchange(
    connection: Connection, part: SealedPart, contents: Contents, digest: bytes, *, actor: str
) -> tuple[str, float]:
    """Exchange the partition; return the name of the one that was, and how many ms appends waited at most.

    Raises ArchiveRefused, and then nothing has changed.
    """
    for timeout_ms in _LOCK_TIMEOUTS_MS:
        began = time.monotonic()
        try:
            detached = await _exchange(connection, part, contents, digest, actor=actor, timeout_ms=timeout_ms)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            await asyncio.sleep(random.uniform(0.5, 1.5) * timeout_ms / 1000)  # noqa: S311 - no secret
        else:
            return detached, (time.monotonic() - began) * 1000
    rows = await (await connection.execute(SQL.holders, {"partition": part.positions.partition})).fetchall()
    holders = ", ".join(f"process {pid} ({user}, {name or 'no name'})" for pid, user, name in rows)
    raise ArchiveRefused([f"the log is held by others: {holders or 'nobody at this moment'}"])


async def drop(connection: Connection, first_position: int, table: str) -> None:
    """Drop a partition that was detached."""
    async with connection.transaction():
        await connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(_SCHEMA, table)))
        await connection.execute(SQL.drop_noted, {"first_position": first_position})


async def _exchange(
    connection: Connection, part: SealedPart, contents: Contents, digest: bytes, *, actor: str, timeout_ms: int
) -> str:
    positions = part.positions
    detached = f"{positions.partition}_archived"
    names = {
        "was": sql.Identifier(_SCHEMA, positions.partition),
        "name": sql.Identifier(positions.partition),
        "detached": sql.Identifier(detached),
        "kept": sql.Identifier(_SCHEMA, _kept(positions)),
        "first": sql.Literal(positions.first),
        "until": sql.Literal(positions.until),
    }
    async with connection.transaction():
        await connection.execute(SQL.lock_within, {"timeout": f"{timeout_ms}ms"})
        await connection.execute(SQL.hold_partitions)
        row = await (await connection.execute(SQL.hold_incarnation)).fetchone()
        if row is None or row[0] is not None:
            raise ArchiveRefused([f"the log is closed: {row and row[0]}"])
        for statement in _EXCHANGE:
            await connection.execute(sql.SQL(statement).format(**names))
        await connection.execute(
            SQL.add,
            {
                "first_position": positions.first,
                "until_position": positions.until,
                "name": positions.name,
                "events": contents.events,
                "kept": contents.kept,
                "first_index": part.first_index,
                "sha256": digest,
                "categories": sorted(LEAVES),
                "detached": detached,
                "actor": actor,
            },
        )
    return detached


_EXCHANGE: Final = (
    "ALTER TABLE event_store.events DETACH PARTITION {was}",
    "ALTER TABLE {was} RENAME TO {detached}",
    "ALTER TABLE {kept} RENAME TO {name}",
    "CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON {was} EXECUTE FUNCTION event_store.refuse_change()",
    "ALTER TABLE event_store.events ATTACH PARTITION {was} FOR VALUES FROM ({first}) TO ({until})",
    "ALTER TABLE {was} DROP CONSTRAINT of_this_partition",
)


def _kept(positions: Range) -> str:
    return f"{positions.partition}_kept"

"""The table of checkpoints: how far the log was sealed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from psycopg.rows import class_row

from event_store.store import Connection
from infra.postgres.queries import Queries

QUERIES = Queries.load(Path(__file__).with_name("sealed_log.sql"))
_PAGE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedCheckpoint:
    """A signed checkpoint, as `note` has it, and the position of the last event in its tree."""

    size: int
    root: bytes
    last_position: int
    note: str


async def newest_checkpoint(connection: Connection) -> SealedCheckpoint | None:
    """Return the checkpoint that was signed last."""
    async with connection.cursor(row_factory=class_row(SealedCheckpoint)) as cursor:
        await cursor.execute(QUERIES.newest)
        return await cursor.fetchone()


async def checkpoint_of(connection: Connection, size: int) -> SealedCheckpoint | None:
    """Return the checkpoint of a tree of this size."""
    async with connection.cursor(row_factory=class_row(SealedCheckpoint)) as cursor:
        await cursor.execute(QUERIES.of_size, {"size": size})
        return await cursor.fetchone()


async def checkpoint_pages(connection: Connection) -> AsyncIterator[list[SealedCheckpoint]]:
    """Give all checkpoints, in order; no page is empty."""
    size = 0
    while True:
        async with connection.cursor(row_factory=class_row(SealedCheckpoint)) as cursor:
            await cursor.execute(QUERIES.after_size, {"size": size, "limit": _PAGE})
            found = await cursor.fetchall()
        if found:
            yield found
        if len(found) < _PAGE:
            return
        size = found[-1].size


async def add_checkpoint(connection: Connection, checkpoint: SealedCheckpoint) -> None:
    """Keep a checkpoint; nothing happens when there is one of its size."""
    row = {
        "size": checkpoint.size,
        "root": checkpoint.root,
        "last_position": checkpoint.last_position,
        "note": checkpoint.note,
    }
    await connection.execute(QUERIES.add, row)

"""The table of archives: which parts of the log are in files, and what of them has left it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg.rows import class_row

from event_store.store import Connection
from infra.postgres.queries import Queries

SQL = Queries.load(Path(__file__).with_name("archive.sql"))

EVENTS_FILE = "events.parquet"
MANIFEST_FILE = "archive.json"
CHECKPOINT_FILE = "checkpoint"


@dataclass(frozen=True, kw_only=True, slots=True)
class Archive:
    """Positions from `first_position` up to before `until_position`. `detached`: a table that may still be dropped."""

    first_position: int
    until_position: int
    name: str
    events: int
    kept: int
    first_index: int
    sha256: bytes
    categories: Sequence[str]
    detached: str | None

    def has_left(self, position: int, category: str) -> bool:
        """Return whether an event at a position is in the file alone."""
        return self.first_position <= position < self.until_position and category in self.categories


async def read_archives(connection: Connection) -> list[Archive]:
    """Return all of them, in the order of positions."""
    async with connection.cursor(row_factory=class_row(Archive)) as cursor:
        await cursor.execute(SQL.archives)
        return await cursor.fetchall()


def have_left(archives: Collection[Archive], position: int, category: str) -> bool:
    """Return whether an event is archived, and in the log no more."""
    return any(each.has_left(position, category) for each in archives)

"""The log as one, in the order of positions: what is archived from its files, the rest from the database.

Of an archived part the database still has the events of all streams that may go on. Both must say the same of them:
the one in the database counts, as payments are decided by it, so one that is gone there or altered shows as such.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import orjson

from event_store.archive.archives import EVENTS_FILE, Archive, read_archives
from event_store.archive.errors import ArchiveDiffers, ArchiveMissing
from event_store.proofs import log_rows
from event_store.proofs.log_rows import LAST
from event_store.proofs.statement import EventRow
from event_store.store import Connection, recorded_event
from schemas.envelope import RecordedEvent

if TYPE_CHECKING:
    from event_store.archive.events_file import EventsFile


class OneLog:
    """Reads both for one caller. Not safe for concurrent use.

    What is archived while it reads is noticed, and read from the file then. Its methods raise ArchiveMissing,
    ArchiveDiffers or psycopg.Error. `connection` is in autocommit.
    """

    def __init__(self, connection: Connection, folder: Path | None = None) -> None:
        """Begin without any archive; see `open`."""
        self._connection = connection
        self._folder = folder
        self._parts: list[tuple[Archive, EventsFile]] = []
        self.differing: list[int] = []
        """Positions, of those read so far, at which the file and the database have something else."""

    @classmethod
    async def open(cls, connection: Connection, folder: Path | None) -> "OneLog":
        """Find the files of what is archived. Raises ArchiveMissing or ArchiveDiffers."""
        log = cls(connection, folder)
        await log.changed()
        return log

    async def changed(self) -> bool:
        """Find the files of what was archived since; return whether there is any.

        What was read of the database before may lack what has left it: it is read again.
        """
        archives = await read_archives(self._connection)
        new = [archive for archive in archives if archive.until_position - 1 > self.archived_up_to]
        if not new:
            return False
        if self._folder is None:
            last = archives[-1].until_position - 1
            raise ArchiveMissing(f"the log up to position {last} is archived. Remedy: set ARCHIVE_FOLDER")
        self._parts += zip(new, await asyncio.to_thread(_files, new, self._folder), strict=True)
        return True

    @property
    def archived_up_to(self) -> int:
        """The last position of what is archived; 0: nothing is."""
        return self._parts[-1][0].until_position - 1 if self._parts else 0

    @property
    def paths(self) -> list[tuple[Archive, Path]]:
        """The files."""
        return [(archive, file.path) for archive, file in self._parts]

    async def rows_after(self, after: int, *, limit: int, up_to: int = LAST) -> list[EventRow]:
        """Return the next events; fewer than `limit` only say that there are none when they are none."""
        while True:
            while after < min(self.archived_up_to, up_to):
                archive, archived = await self._archived_after(after)
                archived = [row for row in archived[:limit] if row[0] <= up_to]
                if not archived:
                    break
                reached = archived[-1][0]
                here = await log_rows.rows_after(self._connection, after, limit=_ALL, up_to=reached)
                rows, differing = overlaid(archived, here, frozenset(archive.categories))
                self.differing += differing
                if rows:
                    return rows
                after = reached
            rows = await log_rows.rows_after(self._connection, after, limit=limit, up_to=up_to)
            if not await self.changed():
                return rows

    async def rows_of(self, event_or_stream: UUID) -> list[EventRow]:
        """Return the events of a stream, or the one with this id. What has left the log is looked for in all files."""
        found = await log_rows.rows_of(self._connection, event_or_stream)
        if found:
            return found
        await self.changed()
        for column in ("stream_id", "event_id"):
            found = [row async for row in self._left(column, str(event_or_stream))]
            if found:
                return found
        return []

    async def left_of(self, category: str, texts: Collection[str]) -> AsyncIterator[RecordedEvent]:
        """Give the events of a category that have left the log and have one of these texts in their data."""
        async for row in self._left("category", category):
            if any(each in row[8] for each in texts):
                yield event_of(row)

    def position_at(self, moment: datetime) -> int:
        """Return the last archived position that was recorded at a moment or before; 0: none was. Blocks."""
        return max((file.position_at(moment) for _, file in self._parts), default=0)

    async def _archived_after(self, after: int) -> tuple[Archive, list[EventRow]]:
        for archive, file in self._parts:
            if after < archive.until_position - 1 and (rows := await asyncio.to_thread(file.rows_after, after)):
                return archive, rows
        return self._parts[-1][0], []

    async def _left(self, column: str, value: str) -> AsyncIterator[EventRow]:
        for archive, file in self._parts:
            groups = file.rows_where(column, value)
            while (rows := await asyncio.to_thread(next, groups, None)) is not None:
                for row in rows:
                    if row[4] in archive.categories:
                        yield row


_ALL = 2**31


def overlaid(
    archived: Iterable[EventRow], here: Sequence[EventRow], left: Collection[str]
) -> tuple[list[EventRow], list[int]]:
    """Return the events of both in order, and at which positions they differ. `left`: categories that left the log."""
    in_log = {row[0]: row for row in here}
    rows, differing = dict[int, EventRow](), list[int]()
    for row in archived:
        found = in_log.get(row[0])
        if found is not None and found != row:
            differing.append(row[0])
        if found is None and row[4] in left:
            rows[row[0]] = row
    rows |= in_log
    return [rows[position] for position in sorted(rows)], differing


def event_of(row: EventRow) -> RecordedEvent:
    """Return an event of its row."""
    position, event_id, stream_id, version, category, kind, schema_version, recorded_at, data, metadata = row
    return recorded_event(
        {
            "position": position,
            "event_id": UUID(event_id),
            "stream_id": UUID(stream_id),
            "version": version,
            "category": category,
            "type": kind,
            "schema_version": schema_version,
            "data": data,
            "metadata": orjson.loads(metadata),
            "recorded_at": datetime.fromisoformat(recorded_at),
        }
    )


def _files(archives: Sequence[Archive], folder: Path) -> "list[EventsFile]":
    from event_store.archive.events_file import EventsFile  # noqa: PLC0415 - large, and of use here alone

    files = []
    for archive in archives:
        path = folder / archive.name / EVENTS_FILE
        if not path.exists():
            raise ArchiveMissing(
                f"positions {archive.first_position} to {archive.until_position - 1} are archived, and {path} is not "
                "there. Remedy: bring it back, or set ARCHIVE_FOLDER"
            )
        file = EventsFile(path)
        if file.events != archive.events:
            raise ArchiveDiffers(f"{path} has {file.events} events, and {archive.events} were archived")
        files.append(file)
    return files

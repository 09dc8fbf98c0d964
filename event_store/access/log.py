"""The log as who manages keys sees it: the streams of access alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

from psycopg.rows import dict_row

from event_store.appends import Append, AppendResult
from event_store.event_log import ConnectionLog
from event_store.store import Connection, append, recorded_event
from infra.postgres.queries import Queries
from schemas.envelope import RecordedEvent

QUERIES = Queries.load(Path(__file__).with_name("access.sql"))


class AccessLog(ConnectionLog):
    """An `EventLog` in the caller's transaction, through the role paystream_access."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._access = connection

    async def load_many(self, stream_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[RecordedEvent]]:
        """Load streams of access; others are not there for this role."""
        found: dict[UUID, list[RecordedEvent]] = {each: [] for each in stream_ids}
        async with self._access.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(QUERIES["load"], {"stream_ids": list(stream_ids)})
            async for row in cursor:
                found[row["stream_id"]].append(recorded_event(row))
        return found

    async def append_many(self, appends: Sequence[Append]) -> Sequence[AppendResult]:
        """Append events of access."""
        return await append(self._access, appends, statement=QUERIES["append"])

"""What people did, as the log has it: each event that somebody of the staff caused, with the reason that they gave."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from psycopg.rows import class_row

from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

QUERIES = Queries.load(Path(__file__).with_name("staff_log.sql"))


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffAction:
    """One event; `name` is the person, `actor` has also what vouches for the name."""

    position: int
    at: datetime
    type: str
    category: str
    stream_id: UUID
    merchant_id: str
    actor: str
    name: str
    reason: str | None

    @property
    def key(self) -> int:
        """Its place in the list."""
        return self.position


async def page(conn: Connection, *, name: str | None, before: int | None, limit: int) -> list[StaffAction]:
    """Return what was done before a position (None: the newest), by somebody (None: by anybody)."""
    async with conn.cursor(row_factory=class_row(StaffAction)) as cursor:
        # prepare=False: a prepared statement could get a generic plan, blind to whether a name is given.
        await cursor.execute(QUERIES.page, {"name": name, "before": before, "limit": limit}, prepare=False)
        return await cursor.fetchall()

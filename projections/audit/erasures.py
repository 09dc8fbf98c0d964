"""The register of erasures: the receipts in the log. Of the user they have the id that the merchant gave, no more."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from psycopg.rows import class_row

from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

QUERIES = Queries.load(Path(__file__).with_name("erasures.sql"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Erasure:
    """A receipt, and the event that it is."""

    position: int
    at: datetime
    event_id: UUID
    erasure_id: UUID
    merchant_id: str
    user_id: str
    actor: str
    reason: str
    keys: int
    payments: int
    in_clear: int
    webhook_answers: int | None

    @property
    def key(self) -> int:
        """Its place in the list."""
        return self.position


async def page(conn: Connection, *, before: int | None, limit: int) -> list[Erasure]:
    """Return the erasures before a position (None: the newest)."""
    async with conn.cursor(row_factory=class_row(Erasure)) as cursor:
        await cursor.execute(QUERIES.page, {"before": before, "limit": limit}, prepare=False)
        return await cursor.fetchall()

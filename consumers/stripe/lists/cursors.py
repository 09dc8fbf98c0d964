"""How far each list is read, durably. A listing that was cut short goes on where it was."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from psycopg.rows import class_row

from consumers.stripe.lists.lists import StripeList
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("cursors.sql"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Cursor:
    """A row of `consumers.balance_cursors`; numbers are Unix seconds of Stripe's clock, the rest is the database's."""

    revision: int
    watermark: int
    listing_from: int | None
    listing_after: str | None
    listing_newest: int | None
    listing_began_at: datetime | None
    loaded_at: datetime

    def begun(self, listing_from: int) -> "Cursor":
        """Return it with a listing under way: the one that is, or a new one from then on."""
        if self.listing_from is not None:
            return self
        return replace(
            self,
            listing_from=max(0, listing_from),
            listing_newest=self.watermark,
            listing_began_at=self.loaded_at,
        )

    def after_page(self, *, last_id: str | None, newest: int, has_more: bool) -> "Cursor":
        """Return it after a page of the listing under way."""
        assert self.listing_newest is not None
        seen = max(self.listing_newest, newest)
        if has_more and last_id is not None:
            return replace(self, listing_after=last_id, listing_newest=seen)
        return replace(
            self, watermark=seen, listing_from=None, listing_after=None, listing_newest=None, listing_began_at=None
        )

    def caught_up(self) -> "Cursor":
        """Return it with its listing ended where all that follows is known from earlier ones.

        The watermark stays: the next whole listing goes back behind the one before it, however many quick ones there
        were since. So a row that is shown late is found as if each had been whole.
        """
        return replace(self, listing_from=None, listing_after=None, listing_newest=None, listing_began_at=None)

    def claiming_nothing(self) -> "Cursor":
        """Return it with a listing that, when it ends, has not read the list as a whole."""
        return replace(self, listing_began_at=None)

    def restarted(self) -> "Cursor":
        """Return it with its listing to be read again from the newest row on."""
        return replace(self, listing_after=None)


async def load(conn: Connection, list_: StripeList) -> Cursor:
    """Return where the reading of a list has come to."""
    async with conn.cursor(row_factory=class_row(Cursor)) as cursor:
        await cursor.execute(_SQL.cursor, {"list": list_.value})
        row = await cursor.fetchone()
    assert row is not None, "a migration makes the row of each list"
    return row


async def move(conn: Connection, list_: StripeList, before: Cursor, after: Cursor) -> Cursor | None:
    """Move a list on from `before`, and return it; None when another poller moved it meanwhile."""
    parameters = {
        "list": list_.value,
        "revision": before.revision,
        "watermark": after.watermark,
        "listing_from": after.listing_from,
        "listing_after": after.listing_after,
        "listing_newest": after.listing_newest,
        "listing_began_at": after.listing_began_at,
        # Of what Stripe made after the listing began, its first page may know nothing.
        "completed_at": before.listing_began_at if after.listing_from is None else None,
    }
    moved = await conn.execute(_SQL.move, parameters)
    return replace(after, revision=before.revision + 1) if moved.rowcount else None


async def completed_at(conn: Connection) -> dict[str, datetime]:
    """Return up to when each list is read as a whole; those that never were are left out."""
    cursor = await conn.execute(_SQL.completed_at)
    return dict(await cursor.fetchall())

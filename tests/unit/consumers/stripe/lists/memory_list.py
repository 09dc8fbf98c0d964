"""A list of Stripe in memory whose rows may appear late, and a cursor of it that is no row of PostgreSQL."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import stripe

from consumers.stripe.client import JsonObject, Page
from consumers.stripe.lists import cursors, left_out
from consumers.stripe.lists.cursors import Cursor
from consumers.stripe.lists.lists import CursorGone, StripeList
from consumers.stripe.lists.poll import Reach, poll
from consumers.stripe.translate.errors import UnexpectedObject
from consumers.stripe.translate.ids import listed_id_of
from infra.postgres.pool import Connection, Pool

LIST = StripeList.TRANSACTIONS
_EPOCH = datetime(2026, 3, 10, tzinfo=UTC)


async def _nothing() -> None:
    return


@dataclass
class MemoryList:
    """`Lists` with one list: `rows` are (created, id), newest first. `before_page` is run before each page."""

    rows: list[tuple[int, str]] = field(default_factory=list)
    shown: list[tuple[int, str]] = field(default_factory=list)
    """All that ever were rows, in the order in which they appeared."""
    calls: int = 0
    before_page: Callable[[], Awaitable[None]] = _nothing
    looked_up: list[str] = field(default_factory=list)
    """Rows that were read by their ids."""
    unanswered: set[str] = field(default_factory=set)
    of_another_shape: dict[str, Any] = field(default_factory=dict)
    """What is shown in the place of a row."""

    def show(self, created: int, name: str) -> None:
        """Show a row at its place; one that is dated earlier than others stands below them."""
        self.rows = sorted([*self.rows, (created, name)], reverse=True)
        self.shown.append((created, name))

    async def page(self, _: StripeList, *, created_from: int, after: str | None, limit: int) -> Page:
        self.calls += 1
        await self.before_page()
        below = self.rows
        if after is not None:
            at = next((index for index, (_, name) in enumerate(self.rows) if name == after), None)
            if at is None:
                raise CursorGone(after)
            below = self.rows[at + 1 :]
        found: list[Any] = [
            self.of_another_shape.get(name, {"id": name, "created": created})
            for created, name in below
            if created >= created_from
        ]
        return Page(rows=tuple(found[:limit]), has_more=len(found) > limit)

    async def row(self, _: StripeList, stripe_id: str) -> JsonObject | None:
        self.looked_up.append(stripe_id)
        if stripe_id in self.unanswered:
            raise stripe.APIConnectionError("no answer")
        return next(({"id": name, "created": created} for created, name in self.rows if name == stripe_id), None)


@dataclass
class MemoryLog:
    """What is recorded, and the cursor: both change together, as in a transaction.

    The database's clock shows how many rows `list_` has shown, so that a listing's begin says what it must find.
    `claimed` is the begin of the last listing that came to its end. A page with an `unreadable` row is
    refused as a whole.
    """

    list_: MemoryList
    claimed: int = 0
    unreadable: set[str] = field(default_factory=set)
    recorded: set[str] = field(default_factory=set)
    left_out: dict[str, None] = field(default_factory=dict)
    """That tried longest ago first; all of them are due."""
    cursor: Cursor = field(
        default_factory=lambda: Cursor(
            revision=0,
            watermark=0,
            listing_from=None,
            listing_after=None,
            listing_newest=None,
            listing_began_at=None,
            loaded_at=_EPOCH,
        )
    )

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["MemoryLog"]:
        yield self

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield

    async def record(self, conn: Connection, rows: Sequence[JsonObject], *, correlation_id: str) -> int:  # noqa: ARG002 - as the protocol has it
        if unnamed := [row for row in rows if listed_id_of(row) is None]:
            raise UnexpectedObject(f"no id: {unnamed}")
        if bad := {str(row["id"]) for row in rows} & self.unreadable:
            raise UnexpectedObject(str(bad))
        new = {str(row["id"]) for row in rows} - self.recorded
        self.recorded |= new
        return len(new)

    async def load(self, _: Connection, __: StripeList) -> Cursor:
        return replace(self.cursor, loaded_at=_EPOCH + timedelta(seconds=len(self.list_.shown)))

    async def move(self, _: Connection, __: StripeList, before: Cursor, after: Cursor) -> Cursor | None:
        if before.revision != self.cursor.revision:
            return None
        self.cursor = replace(after, revision=before.revision + 1)
        if after.listing_from is None and before.listing_began_at is not None:
            self.claimed = int((before.listing_began_at - _EPOCH).total_seconds())
        return self.cursor

    async def remember(self, _: Connection, __: StripeList, stripe_ids: Sequence[str]) -> int:
        known = len(self.left_out)
        for each in stripe_ids:
            self.left_out.pop(each, None)
            self.left_out[each] = None
        return len(self.left_out) - known

    async def due(self, _: Connection, __: StripeList) -> list[str]:
        return list(self.left_out)

    async def lock(self, _: Connection, __: StripeList, stripe_id: str) -> bool:
        return stripe_id in self.left_out

    async def forget(self, _: Connection, __: StripeList, stripe_id: str) -> None:
        del self.left_out[stripe_id]

    def is_kept_here(self, patch: pytest.MonkeyPatch) -> None:
        """Have `poll` use this cursor, and these rows left out."""
        for module, names in ((cursors, ("load", "move")), (left_out, ("remember", "due", "lock", "forget"))):
            for name in names:
                patch.setattr(module, name, getattr(self, name))

    async def poll(self, reach: Reach, *, whole: bool, go_on: Callable[[], bool] = lambda: True) -> bool:
        return await poll(cast("Pool", self), self.list_, LIST, reach, record=self.record, whole=whole, go_on=go_on)

    def missing(self, rows: Sequence[tuple[int, str]]) -> set[str]:
        """Return those of the rows that are still shown, and neither recorded nor remembered as left out."""
        return {name for _, name in set(rows) & set(self.list_.rows)} - self.recorded - self.left_out.keys()

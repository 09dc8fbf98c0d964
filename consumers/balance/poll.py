"""One poll of a list: page by page, each page and the place after it in one transaction.

No connection is held while Stripe is called. Rows are listed from the newest to the oldest, so a listing that was cut
short must be finished before its newest row may become the watermark; until then it goes on where it was.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from consumers.balance import cursors, metrics
from consumers.balance.cursors import Cursor
from consumers.balance.lists import CursorGone, JsonObject, List, Lists, Page
from consumers.balance.record import Conflicted
from consumers.balance.record import record as record_balance
from infra.ids import uuid7
from infra.postgres import Connection, Pool

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """How much of the lists is read: `overlap_s` behind the watermark, pages of `page_size`."""

    overlap_s: int
    page_size: int
    watch_days: int


class Record(Protocol):
    """Appends what is news in rows of a list, in the transaction of `conn`, and returns how much."""

    async def __call__(
        self, conn: Connection, list_: List, rows: Sequence[JsonObject], *, correlation_id: str, watch_days: int
    ) -> int:
        """Append. Raises UnexpectedRow or Conflicted: the transaction is then rolled back."""


class Overtaken(Exception):
    """Another poller moved the list on meanwhile: what was read may be older than what is recorded."""


async def poll(
    pool: Pool,
    lists: Lists,
    list_: List,
    reach: Reach,
    *,
    record: Record = record_balance,
    go_on: Callable[[], bool] = lambda: True,
) -> bool:
    """Read a list; return whether it was read to its end.

    False: another poller overtook this one, or `go_on` said no before a page. Nothing is lost by either, nor by a
    failure: the next poll goes on where this one was. Raises what Stripe and the database raise, and UnexpectedRow.
    """
    correlation_id = f"{list_.value}-{uuid7()}"
    cursor = await _begin(pool, list_, reach)
    read = appended = 0
    try:
        while cursor.listing_from is not None:
            if not go_on():
                return False
            page = await _page(lists, list_, cursor, limit=reach.page_size)
            async with pool.connection() as conn, conn.transaction():
                # First of all: it locks the list. So a page is recorded only if it was read after the last one was.
                cursor = await _move(conn, list_, cursor, _after(cursor, page))
                if page is not None:
                    appended += await record(
                        conn, list_, page.rows, correlation_id=correlation_id, watch_days=reach.watch_days
                    )
                    read += len(page.rows)
    except (Overtaken, Conflicted):
        log.info("balance_poll_overtaken", list=list_.value)
        return False
    if appended:
        log.info("balance_rows_recorded", list=list_.value, correlation_id=correlation_id, read=read, appended=appended)
    return True


async def measure(pool: Pool) -> None:
    """Show how old the last whole reading of each list is, whoever made it, and how many payouts are watched."""
    async with pool.connection() as conn:
        known, watched = await cursors.completed_at(conn), await cursors.count_watched(conn)
    for name, at in known.items():
        metrics.completed(name, at.timestamp())
    metrics.WATCHED_PAYOUTS.set(watched)


async def _begin(pool: Pool, list_: List, reach: Reach) -> Cursor:
    """Return the listing that is under way, or a new one, which is written down with its first page."""
    async with pool.connection() as conn, conn.transaction():
        cursor = await cursors.load(conn, list_)
        listing_from = cursor.watermark - reach.overlap_s
        if list_ is List.PAYOUTS:
            oldest = await cursors.oldest_watched(conn)
            listing_from = listing_from if oldest is None else min(listing_from, oldest)
    return cursor.begun(listing_from)


async def _page(lists: Lists, list_: List, cursor: Cursor, *, limit: int) -> Page | None:
    """Return the next page of the listing under way; None when Stripe knows no more where that was."""
    assert cursor.listing_from is not None
    try:
        page = await lists.page(list_, created_from=cursor.listing_from, after=cursor.listing_after, limit=limit)
    except CursorGone as gone:
        log.warning("balance_listing_restarted", list=list_.value, unknown=str(gone))
        return None
    metrics.ROWS_READ.labels(list_.value).inc(len(page.rows))
    return page


async def _move(conn: Connection, list_: List, before: Cursor, after: Cursor) -> Cursor:
    moved = await cursors.move(conn, list_, before, after)
    if moved is None:
        raise Overtaken
    return moved


def _after(cursor: Cursor, page: Page | None) -> Cursor:
    if page is None:
        return cursor.restarted()
    return cursor.after_page(
        last_id=str(page.rows[-1]["id"]) if page.rows else None,
        newest=max((int(row["created"]) for row in page.rows), default=0),
        has_more=page.has_more,
    )

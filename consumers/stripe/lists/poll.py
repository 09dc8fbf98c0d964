"""One poll of a list: page by page, each page and the place after it in one transaction.

No connection is held while Stripe is called. Rows are listed from the newest to the oldest, so a listing that was cut
short must be finished before its newest row may become the watermark; until then it goes on where it was.

A listing is quick or whole. A whole one reads to its end, the overlap included. A quick one ends at the first page of
which nothing was new: what follows was read before. That holds only for one that began at the newest row when no other
was under way, and that nothing interrupted; one that was cut short goes on as a whole one. What a quick listing misses
(a row that is shown late), the next whole one finds: docs/decisions/0031.

A row that cannot be recorded holds up no other: it is left out, named in the log and counted, and the watermark stays
at it, so that each whole listing tries it again, for as long as Stripe lists events.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import psycopg
import structlog
from prometheus_client import Counter

from consumers.stripe.client import JsonObject, Page
from consumers.stripe.lists import cursors
from consumers.stripe.lists.cursors import Cursor
from consumers.stripe.lists.lists import CursorGone, Lists, StripeList
from consumers.stripe.translate.errors import UnexpectedObject
from event_store.appends import EventNotStorable, EventTooLarge
from infra.ids import uuid7
from infra.postgres.pool import Connection, Pool

log = structlog.get_logger(__name__)

ROWS_READ = Counter("stripe_list_rows_read_total", "Rows that Stripe listed, those known already too", ["list"])
ROWS_LEFT_OUT = Counter(
    "stripe_list_rows_left_out_total", "Times that a row of Stripe's could not be recorded, and was left out", ["list"]
)
for _list in StripeList:
    ROWS_LEFT_OUT.labels(_list.value)

ERRORS_OF_A_ROW = (UnexpectedObject, EventTooLarge, EventNotStorable, psycopg.DataError, OverflowError)
"""What says that one row cannot be recorded, and nothing about the others."""
_TRIED_AGAIN_FOR_S = 30 * 24 * 3600
"""A row that still cannot be recorded then holds the watermark no longer. So long Stripe lists events:
https://docs.stripe.com/api/events/list."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """How much of the lists is read: `overlap_s` behind the watermark, pages of `page_size`."""

    overlap_s: int
    page_size: int


class Record(Protocol):
    """Appends what is news in rows of a list, in the transaction of `conn`, and returns how much."""

    async def __call__(self, conn: Connection, rows: Sequence[JsonObject], *, correlation_id: str) -> int:
        """Append. Raises Conflicted, and the error of a row that cannot be recorded: nothing of it is kept then."""


class Conflicted(Exception):
    """Another writer recorded another state of an object at this moment: the list has to be read again."""


class Overtaken(Exception):
    """Another poller moved the list on meanwhile: what was read may be older than what is recorded."""


async def poll(
    pool: Pool,
    lists: Lists,
    list_: StripeList,
    reach: Reach,
    *,
    record: Record,
    whole: bool = True,
    oldest: Callable[[Connection], Awaitable[int | None]] | None = None,
    go_on: Callable[[], bool] = lambda: True,
) -> bool:
    """Read a list; return whether to its end, or, unless `whole`, to where nothing is new.

    A whole listing reaches back to `oldest` (Unix seconds) at least.

    False: another poller overtook this one, or `go_on` said no before a page. Nothing is lost by either, nor by a
    failure: the next poll goes on where this one was. Raises what Stripe and the database raise.
    """
    correlation_id = f"{list_.value}-{uuid7()}"
    cursor, is_new = await _begin(pool, list_, reach, oldest)
    may_end_early = is_new and not whole
    read = appended = 0
    try:
        while cursor.listing_from is not None:
            if not go_on():
                return False
            page = await _page(lists, list_, cursor, limit=reach.page_size)
            # Begun again, it meets the rows that it has recorded itself.
            may_end_early = may_end_early and page is not None
            async with pool.connection() as conn, conn.transaction():
                # First of all: it locks the list. So a page is recorded only if it was read after the last one was.
                cursor = await _move(conn, list_, cursor, _after(cursor, page))
                if page is not None:
                    new, left_out = await _record(conn, list_, page.rows, record, correlation_id)
                    if left_out is not None:
                        cursor = await _move(conn, list_, cursor, cursor.held_at(left_out, for_s=_TRIED_AGAIN_FOR_S))
                    if may_end_early and not new and cursor.listing_from is not None:
                        cursor = await _move(conn, list_, cursor, cursor.caught_up())
                    appended += new
                    read += len(page.rows)
    except (Overtaken, Conflicted):
        log.info("stripe_list_overtaken", list=list_.value)
        return False
    if appended:
        log.info("stripe_list_recorded", list=list_.value, correlation_id=correlation_id, read=read, appended=appended)
    return True


async def _begin(
    pool: Pool, list_: StripeList, reach: Reach, oldest: Callable[[Connection], Awaitable[int | None]] | None
) -> tuple[Cursor, bool]:
    """Return the listing that is under way, or a new one, which is written down with its first page; and if it is."""
    async with pool.connection() as conn, conn.transaction():
        cursor = await cursors.load(conn, list_)
        listing_from = cursor.watermark - reach.overlap_s
        if oldest is not None and (reached := await oldest(conn)) is not None:
            listing_from = min(listing_from, reached)
    return cursor.begun(listing_from), cursor.listing_from is None


async def _page(lists: Lists, list_: StripeList, cursor: Cursor, *, limit: int) -> Page | None:
    """Return the next page of the listing under way; None when Stripe knows no more where that was."""
    assert cursor.listing_from is not None
    try:
        page = await lists.page(list_, created_from=cursor.listing_from, after=cursor.listing_after, limit=limit)
    except CursorGone as gone:
        log.warning("stripe_list_restarted", list=list_.value, unknown=str(gone))
        return None
    ROWS_READ.labels(list_.value).inc(len(page.rows))
    return page


async def _record(
    conn: Connection, list_: StripeList, rows: Sequence[JsonObject], record: Record, correlation_id: str
) -> tuple[int, int | None]:
    """Record a page; return how much was new, and when the oldest row was made that was left out, if any was."""
    try:
        async with conn.transaction():
            return await record(conn, rows, correlation_id=correlation_id), None
    except ERRORS_OF_A_ROW:
        pass  # which row it is of shows when each is recorded alone
    new, left_out = 0, list[int]()
    for row in reversed(rows):
        try:
            async with conn.transaction():
                new += await record(conn, [row], correlation_id=correlation_id)
        except ERRORS_OF_A_ROW as error:
            ROWS_LEFT_OUT.labels(list_.value).inc()
            said = f"{type(error).__name__}: {error}"
            log.error("stripe_list_row_left_out", list=list_.value, stripe_id=row.get("id"), error=said)  # noqa: TRY400 - no fault of this code
            left_out.append(int(row["created"]))
    return new, min(left_out, default=None)


async def _move(conn: Connection, list_: StripeList, before: Cursor, after: Cursor) -> Cursor:
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

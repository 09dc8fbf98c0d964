"""One poll of a list: page by page, each page and the place after it in one transaction.

No connection is held while Stripe is called. Rows are listed from the newest to the oldest, so a listing that was cut
short must be finished before its newest row may become the watermark; until then it goes on where it was.

A listing is quick or whole. A whole one reads to its end, the overlap included. A quick one ends at the first page of
which nothing was new: what follows was read before. That holds only for one that began at the newest row when no other
was under way, and that nothing interrupted; one that was cut short goes on as a whole one. What a quick listing misses
(a row that is shown late), the next whole one finds: docs/decisions/0031.

A row that cannot be recorded holds up no other: it is left out, named in the log and counted, and remembered in the
transaction that moves the cursor past it. After a listing, what is remembered is asked for by its id, until it can be
recorded or Stripe has it no more: docs/decisions/0060. One without an id can be neither remembered nor asked for: the
log says so each time a listing meets it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg
import stripe
import structlog
from prometheus_client import Counter

from consumers.stripe.client import JsonObject, Page
from consumers.stripe.lists import cursors, left_out
from consumers.stripe.lists.cursors import Cursor
from consumers.stripe.lists.lists import CursorGone, Lists, StripeList
from consumers.stripe.translate.errors import UnexpectedObject
from consumers.stripe.translate.ids import listed_id_of
from event_store.appends import EventNotStorable, EventTooLarge
from infra.ids import uuid7
from infra.postgres.pool import Connection, Pool
from infra.stripe.guard.errors import NotSent

log = structlog.get_logger(__name__)

ROWS_READ = Counter("stripe_list_rows_read_total", "Rows that Stripe listed, those known already too", ["list"])
ROWS_LEFT_OUT = Counter(
    "stripe_list_rows_left_out_total", "Times that a row of Stripe's could not be recorded, and was left out", ["list"]
)
for _list in StripeList:
    ROWS_LEFT_OUT.labels(_list.value)

ERRORS_OF_A_ROW = (UnexpectedObject, EventTooLarge, EventNotStorable, psycopg.DataError, OverflowError)
"""What says that one row cannot be recorded, and nothing about the others."""
_NO_ANSWER = (stripe.StripeError, TimeoutError, NotSent)
_AHEAD_S = 366 * 86_400
"""Stripe's clock is not ahead of ours by so much; that of a sandbox may be by months."""
_MOST_IN_VAIN = 20
"""So many rows that still cannot be recorded are asked for after one listing."""


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
    failure: the next poll goes on where this one was. Raises what Stripe and the database raise, and UnexpectedObject
    for a page from which it cannot be read on: the next poll then begins at the newest row.
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
                cursor = await _move(conn, list_, *_step(cursor, page))
                if page is not None:
                    new, left_out_now = await _record(conn, list_, page.rows, record, correlation_id)
                    if may_end_early and not new and not left_out_now and cursor.listing_from is not None:
                        cursor = await _move(conn, list_, cursor, cursor.caught_up())
                    appended += new
                    read += len(page.rows)
            if page is not None:
                page.require_way_on(list_.value)
        await _try_left_out(pool, lists, list_, record, correlation_id, go_on)
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
) -> tuple[int, int]:
    """Record a page, and remember the rows that cannot be recorded; return how much was new of both."""
    try:
        async with conn.transaction():
            return await record(conn, rows, correlation_id=correlation_id), 0
    except ERRORS_OF_A_ROW:
        pass  # which row it is of shows when each is recorded alone
    new, left_out_ids = 0, list[str]()
    for row in reversed(rows):
        recorded = await _record_alone(conn, list_, row, record, correlation_id)
        if recorded is not None:
            new += recorded
        elif (stripe_id := listed_id_of(row)) is not None:
            left_out_ids.append(stripe_id)
    return new, await left_out.remember(conn, list_, left_out_ids) if left_out_ids else 0


async def _record_alone(
    conn: Connection, list_: StripeList, row: JsonObject, record: Record, correlation_id: str
) -> int | None:
    """Record a row; return how much was new, or None when it cannot be recorded."""
    try:
        async with conn.transaction():
            return await record(conn, [row], correlation_id=correlation_id)
    except ERRORS_OF_A_ROW as error:
        say_left_out(list_, row, error)
        return None


def say_left_out(list_: StripeList, row: Mapping[str, Any], error: Exception) -> None:
    """Count a row that could not be read or recorded, and name it in the log."""
    ROWS_LEFT_OUT.labels(list_.value).inc()
    said = f"{type(error).__name__}: {error}"
    log.error("stripe_list_row_left_out", list=list_.value, stripe_id=listed_id_of(row), error=said)


async def _try_left_out(  # noqa: PLR0917 - the parts of a poll
    pool: Pool, lists: Lists, list_: StripeList, record: Record, correlation_id: str, go_on: Callable[[], bool]
) -> None:
    """Ask for the rows again that were left out, until too many of them still cannot be recorded.

    What Stripe gives no answer for is asked for next time, after the others: the list was read all the same.
    """
    async with pool.connection() as conn:
        due = await left_out.due(conn, list_)
    in_vain = 0
    for stripe_id in due:
        if in_vain >= _MOST_IN_VAIN or not go_on():
            return
        try:
            row = await lists.row(list_, stripe_id)
        except _NO_ANSWER as error:
            said = f"{type(error).__name__}: {error}"
            log.warning("stripe_list_row_not_read", list=list_.value, stripe_id=stripe_id, error=said)
            async with pool.connection() as conn, conn.transaction():
                await left_out.remember(conn, list_, [stripe_id])
            return
        async with pool.connection() as conn, conn.transaction():
            if not await left_out.lock(conn, list_, stripe_id):
                continue
            if row is not None and await _record_alone(conn, list_, row, record, correlation_id) is None:
                await left_out.remember(conn, list_, [stripe_id])
                in_vain += 1
                continue
            await left_out.forget(conn, list_, stripe_id)
            write = log.error if row is None else log.info
            write("stripe_list_row_tried", list=list_.value, stripe_id=stripe_id, recorded=row is not None)


async def _move(conn: Connection, list_: StripeList, before: Cursor, after: Cursor) -> Cursor:
    moved = await cursors.move(conn, list_, before, after)
    if moved is None:
        raise Overtaken
    return moved


def _step(cursor: Cursor, page: Page | None) -> tuple[Cursor, Cursor]:
    """Return from where to where a page moves the list."""
    if page is None:
        return cursor, cursor.restarted()
    if page.leads_nowhere:
        return cursor.claiming_nothing(), cursor.caught_up()
    after = cursor.after_page(
        last_id=page.last_id,
        newest=max((_created(row, cursor) for row in page.rows), default=0),
        has_more=page.has_more,
    )
    return cursor, after


def _created(row: JsonObject, cursor: Cursor) -> int:
    """Return when a row was made; 0 where it does not say so: what comes after that moment would never be listed."""
    created = row.get("created") if isinstance(row, Mapping) else None
    latest = int(cursor.loaded_at.timestamp()) + _AHEAD_S
    return created if isinstance(created, int) and 0 <= created <= latest else 0

"""Waits until the log has all rows of Stripe, and the ledger has all events of the log."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from psycopg.rows import scalar_row

from infra.postgres.pool import Connection, Pool
from infra.postgres.queries import Queries
from schemas.topics import partition_of, topic_of

SQL = Queries.load(Path(__file__).with_name("catch_up.sql"))

_CATEGORIES = ("payment", "stripe-balance")
"""The categories that the ledger projects."""
_POLL_S = 0.1
_PAGE = 10_000


class LedgerBehind(Exception):
    """The ledger did not apply in time all events that were in the log when the run started."""

    def __init__(self, *, head: int, waited_s: float, reached: int) -> None:
        super().__init__(
            f"the ledger has not applied the event at position {reached} within {waited_s:g} s; the log was at {head} "
            "when the run started. Is the projector running, and has it dead letters?"
        )


class PollerBehind(Exception):
    """Stripe's rows were not read to the end of the day: all its fees would seem to be missing here."""

    def __init__(self, *, needed: float, reached: float, waited_s: float) -> None:
        at = _shown(reached) if reached else "never"
        super().__init__(
            f"Stripe's balance was last read for the ledger as a whole: {at}; it must be after {_shown(needed)}, which "
            f"it was not within {waited_s:g} s. Is the worker stripe-balance running?"
        )


def _shown(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S} UTC"


async def wait_for_poller(
    pool: Pool, moment: float, *, within_s: float, heartbeat: Callable[[], None] | None = None
) -> None:
    """Return once all of Stripe's rows up to a moment (Unix seconds) are read. Raises PollerBehind."""
    started = time.monotonic()
    while True:
        async with pool.connection() as conn, conn.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(SQL.poller_reached)
            reached: float | None = await cursor.fetchone()
        if reached and reached >= moment:
            return
        if time.monotonic() - started >= within_s:
            raise PollerBehind(needed=moment, reached=reached or 0.0, waited_s=within_s)
        if heartbeat is not None:
            heartbeat()
        await asyncio.sleep(_POLL_S)


async def log_head(conn: Connection) -> int:
    """Return the newest position of the log."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(SQL.log_head)
        head: int | None = await cursor.fetchone()
    assert head is not None
    return head


async def wait_for_ledger(
    pool: Pool, head: int, *, partitions: int, within_s: float, heartbeat: Callable[[], None] | None = None
) -> None:
    """Return once the ledger has applied every event up to `head`. Raises LedgerBehind."""
    started, proven = time.monotonic(), 0
    while True:
        async with pool.connection() as conn:
            proven, lacking = await _find_unapplied(conn, head, partitions=partitions, proven=proven)
        if lacking is None:
            return
        waited = time.monotonic() - started
        if waited >= within_s:
            raise LedgerBehind(head=head, waited_s=within_s, reached=lacking)
        if heartbeat is not None:
            heartbeat()
        await asyncio.sleep(_POLL_S)


async def _find_unapplied(conn: Connection, head: int, *, partitions: int, proven: int) -> tuple[int, int | None]:
    """Return the position up to which all events are applied, and the first that is not (None: all up to `head` are).

    A partition's checkpoint moves only with its own events, so each event is compared with that of its partition.
    """
    cursor = await conn.execute(SQL.ledger_checkpoints)
    checkpoints = {(topic, partition): position for topic, partition, position in await cursor.fetchall()}
    topics = {category: topic_of(category) for category in _CATEGORIES}
    if all((topic, number) in checkpoints for topic in topics.values() for number in range(partitions)):
        proven = max(proven, min(checkpoints.values()))
    while True:
        cursor = await conn.execute(
            SQL.log_after, {"after": proven, "head": head, "categories": list(topics), "limit": _PAGE}
        )
        events: list[tuple[int, UUID, str]] = await cursor.fetchall()
        for position, stream_id, category in events:
            if checkpoints.get((topics[category], partition_of(stream_id, partitions)), 0) < position:
                return proven, position
            proven = position
        if len(events) < _PAGE:
            return proven, None

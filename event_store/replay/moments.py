"""From moments to places in the log: the log's order is that of positions, and the clock may have stepped back."""

from datetime import datetime, timedelta
from pathlib import Path

from event_store.store import Connection
from infra.postgres.queries import Queries
from schemas.http.times import end_of_moment

QUERIES = Queries.load(Path(__file__).with_name("replay.sql"))

_CLOCK_STEPS_BACK = timedelta(minutes=10)
_LOOKED_AT = 1000


def just_before(moment: datetime) -> datetime:
    """Return the last moment before one; of the first of the calendar, itself: nothing was recorded at either."""
    try:
        return moment - timedelta(microseconds=1)
    except OverflowError:
        return moment


async def position_at(connection: Connection, moment: datetime) -> int:
    """Return the position of the last event that was recorded at a moment or before; 0 when there is none.

    One in whole milliseconds lasts until its millisecond ends (`end_of_moment`).

    The state of the log as of a moment is all of it up to there, also what stands before it with a later time: a clock
    that was set back, by ten minutes at most, makes no hole. Costs some fifty look-ups, however long the log is.
    """
    moment = end_of_moment(moment)
    before, behind = 0, await last_position(connection) + 1
    while behind - before > 1:
        middle = (before + behind) // 2
        found = await _event_at_or_after(connection, middle)
        if found is None or found[0] >= behind:
            behind = middle  # nothing lies between
        elif found[1] <= moment:
            before = found[0]
        else:
            behind = middle
    return await _last_behind(connection, before, moment)


async def _last_behind(connection: Connection, position: int, moment: datetime) -> int:
    """Look on for what was recorded later with an earlier time, until the times are far beyond."""
    cursor = position
    while True:
        rows = await (
            await connection.execute(QUERIES.moments_after, {"position": cursor, "limit": _LOOKED_AT})
        ).fetchall()
        earlier = [at for at, recorded_at in rows if recorded_at <= moment]
        position = max([position, *earlier])
        if not rows or min(recorded_at for _, recorded_at in rows) - _CLOCK_STEPS_BACK > moment:
            return position
        cursor = rows[-1][0]


async def _event_at_or_after(connection: Connection, position: int) -> tuple[int, datetime] | None:
    row = await (await connection.execute(QUERIES.event_at_or_after, {"position": position})).fetchone()
    return None if row is None else (row[0], row[1])


async def last_position(connection: Connection) -> int:
    """Return the position of the last event; 0 when there is none."""
    row = await (await connection.execute("SELECT coalesce(max(position), 0) FROM event_store.events")).fetchone()
    assert row is not None
    return int(row[0])

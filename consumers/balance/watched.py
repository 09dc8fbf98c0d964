"""The payouts whose status may still change: listings reach back to the oldest of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from psycopg.rows import scalar_row

from domain.stripe_balance import PayoutChanged, PayoutStatus
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("watched.sql"))
_ENDED = frozenset({PayoutStatus.FAILED, PayoutStatus.CANCELED})


async def oldest(conn: Connection) -> int | None:
    """Return when the oldest payout that is still watched was made, after those whose time is over are dropped."""
    await conn.execute(_SQL.stop_watching_old)
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL.oldest)
        found: int | None = await cursor.fetchone()
    return found


async def count(conn: Connection) -> int:
    """Return how many payouts are watched."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL.count)
        return int(await cursor.fetchone() or 0)


async def watch(conn: Connection, payouts: Sequence[PayoutChanged], *, watch_days: int) -> None:
    """Keep an eye on the payouts whose status may still change, and on the others no longer."""
    open_ = [each for each in payouts if each.status not in _ENDED]
    if open_:
        parameters = {
            "payout_ids": [each.payout_id for each in open_],
            "created": [each.created for each in open_],
            "watch_until": [_until(each, watch_days) for each in open_],
        }
        await conn.execute(_SQL.watch, parameters)
    ended = [each.payout_id for each in payouts if each.status in _ENDED]
    if ended:
        await conn.execute(_SQL.stop_watching, {"payout_ids": ended})


def _until(payout: PayoutChanged, watch_days: int) -> str:
    """Return until when a payout is looked at again; in SQL's words, as Python knows no end of time."""
    if payout.status is not PayoutStatus.PAID:
        return "infinity"
    return (datetime.fromtimestamp(payout.arrival_date, UTC) + timedelta(days=watch_days)).isoformat()

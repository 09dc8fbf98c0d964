"""Places in the log as a person writes them: a position, or a moment."""

import asyncio
from datetime import UTC, datetime

from event_store.archive.one_log import OneLog
from event_store.replay.files import WrongReplayOption
from event_store.replay.moments import just_before, position_at
from infra.postgres.pool import Connection

_LARGEST = 2**63 - 1  # PostgreSQL's bigint
_SHOWN = 30


def parse_place(text: str) -> int | datetime:
    """Return a position, or a moment, in UTC unless it says otherwise. Raises WrongReplayOption."""
    if text.isascii() and text.isdecimal():
        if len(text.lstrip("0")) > len(str(_LARGEST)) or int(text) > _LARGEST:
            raise WrongReplayOption(f"{text[:_SHOWN]} is larger than any position: {_LARGEST} is the largest")
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is neither a position nor a moment like 2026-05-01T12:00:00Z"
        raise WrongReplayOption(message) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def last_up_to(log: OneLog, conn: Connection, place: int | datetime) -> int:
    """Return the last position up to there, inclusive."""
    return place if isinstance(place, int) else await _position_at(log, conn, place)


async def last_before(log: OneLog, conn: Connection, place: int | datetime) -> int:
    """Return the last position before it."""
    if isinstance(place, int):
        return max(0, place - 1)
    return await _position_at(log, conn, just_before(place))


async def _position_at(log: OneLog, conn: Connection, moment: datetime) -> int:
    return max(await position_at(conn, moment), await asyncio.to_thread(log.position_at, moment))

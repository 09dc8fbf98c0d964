"""Connections for what needs a session of its own in PostgreSQL, refused behind a pooler in transaction mode.

An advisory lock would be granted to two clients at once there, LISTEN would hear nothing, and a setting would meet
somebody else's statements.
"""

from enum import StrEnum
from typing import Final

import psycopg

from infra.errors import WrongSetting
from infra.postgres.pool import Connection

REFUSED_OPTIONS: Final = "unsupported startup parameter"
"""What PgBouncer says to the options of a start-up, which PostgreSQL takes."""
_CONNECT_S: Final = 5
_LOOKS: Final = 20
_PID: Final = "SELECT pg_backend_pid()"


class Sessions(StrEnum):
    """What an address leads to, as two connections to it show."""

    DIRECT = "PostgreSQL itself"
    KEPT = "a pooler that lends whole sessions"
    LOST = "a pooler in transaction mode"


class NeedsSession(WrongSetting):
    """Locks, LISTEN and settings of a session would be lost at this address."""

    def __init__(self, user: str, variable: str) -> None:
        super().__init__(
            f"{user} needs a session of its own in PostgreSQL, and was led to a pooler in transaction mode, where "
            f"locks are granted twice and signals are lost: set {variable} to the address of PostgreSQL itself"
        )


async def sessions_at(url: str) -> Sessions:
    """Look at what an address leads to. Raises psycopg.OperationalError."""
    try:
        async with await _connect(url) as first:
            if await is_direct(first):
                return Sessions.DIRECT
            async with await _connect(url) as second:
                return await _compare(first, second)
    except psycopg.OperationalError as error:
        if REFUSED_OPTIONS in str(error):
            return Sessions.LOST
        raise


async def is_direct(connection: Connection) -> bool:
    """Whether the server at the other end is the one that the start-up spoke with: poolers make up its number."""
    return await _backend(connection) == connection.info.backend_pid


async def require_session(url: str, *, user: str, variable: str = "DATABASE_DIRECT_URL") -> None:
    """Raise NeedsSession when the address leads to a pooler in transaction mode.

    While nothing answers there, nothing is known, and nothing raised: `connect_session` looks again.
    """
    try:
        found = await sessions_at(url)
    except psycopg.OperationalError:
        return
    if found is Sessions.LOST:
        raise NeedsSession(user, variable)


async def connect_session(url: str, *, user: str, prepare_threshold: int = 5) -> Connection:
    """Return a connection in autocommit that keeps its session. Raises NeedsSession, psycopg.OperationalError."""
    connection = await psycopg.AsyncConnection.connect(
        url, autocommit=True, prepare_threshold=prepare_threshold, connect_timeout=_CONNECT_S
    )
    try:
        if not await is_direct(connection):
            await require_session(url, user=user)
    except BaseException:
        await connection.close()
        raise
    return connection


async def _compare(first: Connection, second: Connection) -> Sessions:
    """In transaction mode two connections meet the same server, or one meets several when others are busy.

    For a while each may meet the same one although both are lent anew each time.
    """
    of_first, of_second = set(), set()
    for _ in range(_LOOKS):
        of_first.add(await _backend(first))
        of_second.add(await _backend(second))
        if len(of_first) > 1 or len(of_second) > 1 or of_first & of_second:
            return Sessions.LOST
    return Sessions.KEPT


async def _connect(url: str) -> Connection:
    # Nothing is prepared: the statement of the one would be there already for the other.
    return await psycopg.AsyncConnection.connect(
        url, autocommit=True, prepare_threshold=None, connect_timeout=_CONNECT_S
    )


async def _backend(connection: Connection) -> int:
    # Not by way of `connection.execute`, which would prepare it where the connection prepares everything.
    cursor = await connection.execute(_PID, prepare=False)
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])

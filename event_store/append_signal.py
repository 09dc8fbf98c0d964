"""Wakes the relay when something is appended after a quiet time.

While there is much to publish the relay looks often by itself, and needs no signal. Notifications are sent at the
commit, under a lock of the whole database: with each append they would have the commits of a busy log wait for each
other (https://www.postgresql.org/docs/current/sql-notify.html).
"""

import time
from collections.abc import Callable

from event_store.store import Connection

_CHANNEL = "event_store_appended"
_QUIET_S = 0.04


class AppendSignal:
    """What the appends of a process send. A signal that is lost costs a quarter of a second, and no event."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._appended_at = float("-inf")

    async def send(self, connection: Connection) -> None:
        """Signal, with the commit of the transaction that appends, unless the last append was a moment ago."""
        now = self._clock()
        was_quiet = now - self._appended_at > _QUIET_S
        self._appended_at = now
        if was_quiet:
            await connection.execute(f"NOTIFY {_CHANNEL}")


async def listen(connection: Connection) -> None:
    """Have a connection receive signals from now on."""
    await connection.execute(f"LISTEN {_CHANNEL}")


async def wait_for_append(connection: Connection, *, timeout_s: float) -> None:
    """Wait for a signal, at most so long. Raises psycopg.Error when the connection is lost."""
    async for _ in connection.notifies(timeout=timeout_s, stop_after=1):
        pass

"""What a process knows of the log's state: whether it is open, and in which epoch.

Read on every new connection, since a failover breaks the old ones, and by every readiness check.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg
import structlog

from event_store.store import LOG_CLOSED, Connection, LogState, read_log_state
from infra.postgres.pool import Pool
from infra.process.health import DependencyMissing, Unhealthy

log = structlog.get_logger(__name__)


class LogMonitor:
    """The log's state as it was read last."""

    def __init__(self) -> None:
        self._state: LogState | None = None

    @property
    def epoch(self) -> int | None:
        """The epoch of the open log; None while it is closed or not known."""
        state = self._state
        return state.epoch if state is not None and state.closed_because is None else None

    async def on_connect(self, connection: Connection) -> None:
        """Read the state over a new connection. Never raises: its user will get the error."""
        try:
            self._set(await read_log_state(connection))
            await connection.commit()
        except psycopg.Error as error:
            self._state = None
            log.warning("log_state_unknown", error=str(error).strip())
            if not connection.closed:
                await connection.rollback()

    async def check(self, pool: Pool) -> None:
        """Raise Unhealthy while the log is closed, or PostgreSQL does not answer."""
        try:
            async with pool.connection(timeout=0.9) as connection:
                state = await read_log_state(connection)
        except psycopg.Error as error:
            self._state = None
            raise DependencyMissing("database not available") from error
        self._set(state)
        if state.closed_because is not None:
            raise Unhealthy(f"the log is closed: {state.closed_because}")

    @asynccontextmanager
    async def following(self, pool: Pool, *, every_s: float = 1.0) -> AsyncIterator[None]:
        """Look again and again while the block runs.

        For a pooler that keeps its clients' connections through a failover: no new one would tell of it.
        """
        following = asyncio.create_task(self._follow(pool, every_s))
        try:
            yield
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following

    async def _follow(self, pool: Pool, every_s: float) -> None:
        while True:
            with suppress(Unhealthy):  # that is for the readiness check to say
                await self.check(pool)
            await asyncio.sleep(every_s)

    def _set(self, state: LogState) -> None:
        before = self._state
        self._state = state
        if state.closed_because is not None and (before is None or before.closed_because is None):
            log.error("log_closed", reason=state.closed_because, sqlstate=LOG_CLOSED)
        elif before is not None and before.epoch != state.epoch:
            log.warning("log_reopened", epoch=state.epoch)

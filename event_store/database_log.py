"""The log behind a consumer's database: which messages are its own, and when it was found younger than Kafka."""

import asyncio
from collections.abc import Sequence

import psycopg

from domain.ids import LogId
from event_store.store import LogState, read_log_state
from infra.kafka.consumer.own_log import ForeignCluster
from infra.postgres.pool import Pool
from schemas.cloudevents import Delivered

_ANSWER_S = 2.0


class DatabaseLog:
    """The log of the database behind a pool. Older messages do not name theirs, and are taken."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._log_id: LogId | None = None

    async def check_origin(self, messages: Sequence[Delivered]) -> None:
        """Raise ForeignCluster when one of the messages is of another log; psycopg.Error."""
        if self._log_id is None:
            self._log_id = (await self._state()).log_id
        for message in messages:
            if message.log_id not in (None, self._log_id):
                raise ForeignCluster(self._log_id, message.log_id)

    async def epoch(self) -> int | None:
        """Return the epoch; None when the database does not answer, and while the log is closed."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                state = await self._state()
        except (psycopg.Error, TimeoutError):
            return None
        return state.epoch if state.closed_because is None else None

    async def _state(self) -> LogState:
        async with self._pool.connection() as connection:
            return await read_log_state(connection)

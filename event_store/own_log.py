"""Keeps consumers from taking what another log published: a cluster, or a database, that was attached by mistake."""

from collections.abc import Sequence
from uuid import UUID

from event_store.store import read_log_state
from infra.kafka.transient import ForeignCluster
from infra.postgres import Pool
from schemas.cloudevents import Delivered


class OwnLog:
    """The log of the database behind a pool. Older messages do not name theirs, and are taken."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._log_id: UUID | None = None

    async def admit(self, messages: Sequence[Delivered]) -> None:
        """Raise ForeignCluster when one of the messages is of another log; psycopg.Error."""
        if self._log_id is None:
            async with self._pool.connection() as connection:
                self._log_id = (await read_log_state(connection)).log_id
        for message in messages:
            if message.log_id not in (None, self._log_id):
                raise ForeignCluster(self._log_id, message.log_id)

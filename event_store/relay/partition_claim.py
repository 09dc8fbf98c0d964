"""Which relay may publish: the one that holds the locks of its partitions in PostgreSQL; the others are standbys.

The locks live as long as their connection. A relay that ended or was killed frees them at once. One that is paused
(SIGSTOP, a frozen machine) keeps them, but falls silent. With transactions a standby then ends the
silent one's connection and takes the locks: what the other would still send is fenced by Kafka. Without transactions
nothing would be fenced, and it waits. Why so: docs/decisions/0010.
"""

import asyncio
import random
from collections.abc import Callable
from time import monotonic

import psycopg
import structlog

from event_store.relay.shard import Shard
from event_store.store import QUERIES, Connection
from infra.errors import InfraError
from infra.process.waiting import wait_for_event

log = structlog.get_logger(__name__)

_HEARTBEAT_EVERY_S = 1.0
_CHECK_S = 0.1
_CHECK_TIMEOUT_S = 2.0


class CannotTakeOver(InfraError):
    """The silent relay logged in to PostgreSQL as another role: its connection cannot be ended from here."""

    def __init__(self, shard: Shard) -> None:
        super().__init__(
            f"the relay that holds partitions of shard {shard} is silent, but logged in to PostgreSQL as another role: "
            "end it by hand, and let all relays use one role"
        )


class PartitionClaim:
    """The partitions of a shard, claimed over one connection (in autocommit) for as long as that lives."""

    def __init__(
        self, connection: Connection, shard: Shard, partitions: int, *, takeover_after_s: float | None = None
    ) -> None:
        self._connection = connection
        self._shard = shard
        self._topic_partitions = partitions
        self._partitions = shard.partitions(partitions)
        self._takeover_after_s = takeover_after_s
        self._waiting_since = monotonic()
        self._checked_at = 0.0

    async def take(self) -> bool:
        """Take every partition, or none and return False. Raises psycopg.Error."""
        answer = await self._connection.execute(QUERIES["take_partitions"], {"partitions": self._partitions})
        if await answer.fetchone() == (len(self._partitions),):
            return True
        await self._connection.execute(QUERIES["release_partitions"])
        return False

    async def wait(self, stop: asyncio.Event, heartbeat: Callable[[], None]) -> bool:
        """Wait as a standby until the partitions are free or their holder is silent; False when `stop` came first.

        Calls `heartbeat` at every attempt. Raises psycopg.Error and CannotTakeOver.
        """
        if await self.take():
            return True
        log.info("relay_is_standby", shard=str(self._shard))
        while not stop.is_set():
            heartbeat()
            # Not evenly: two that look at the same instants could take half of the locks each, for ever.
            await wait_for_event(stop, timeout_s=random.uniform(0.5, 1.5) * _CHECK_S)  # noqa: S311
            await self._end_silent_holders()
            if await self.take():
                return True
        return False

    async def keep(self, position: Callable[[], int | None]) -> None:
        """Send a heartbeat once a second, with the position. Ends only with psycopg.Error: the claim is lost."""
        while True:
            await self.heartbeat(position())
            await asyncio.sleep(_HEARTBEAT_EVERY_S)

    async def heartbeat(self, position: int | None) -> None:
        """Show in PostgreSQL that this relay is alive, and how far it has published."""
        await self._connection.execute(QUERIES["relay_heartbeat"], {"shard": str(self._shard), "position": position})

    async def is_held(self) -> bool:
        """Whether the connection lives, and the claim with it. Sends a heartbeat."""
        try:
            async with asyncio.timeout(_CHECK_TIMEOUT_S):
                await self.heartbeat(None)
        except (psycopg.Error, TimeoutError):
            return False
        return True

    async def overlapping_shards(self) -> set[Shard]:
        """Return the shards of other layouts that PostgreSQL knows and that have partitions in common with this one."""
        rows = await (await self._connection.execute(QUERIES["known_shards"])).fetchall()
        shards = {Shard.parse(text) for (text,) in rows} - {self._shard}
        return {each for each in shards if each.overlaps(self._shard, self._topic_partitions)}

    async def _end_silent_holders(self) -> None:
        silent_s, now = self._takeover_after_s, monotonic()
        if silent_s is None or now < self._waiting_since + silent_s:
            return
        if now < self._checked_at + min(_HEARTBEAT_EVERY_S, silent_s):
            return
        self._checked_at = now
        shards = [str(each) for each in (self._shard, *await self.overlapping_shards())]
        parameters = {"partitions": self._partitions, "shards": shards, "silent_s": silent_s}
        try:
            answer = await self._connection.execute(QUERIES["end_silent_relays"], parameters)
        except psycopg.errors.InsufficientPrivilege as error:
            raise CannotTakeOver(self._shard) from error
        row = await answer.fetchone()
        if row is not None and row[0]:
            log.warning("relay_takes_over", shard=str(self._shard), silent_for_s=silent_s, connections_ended=row[0])

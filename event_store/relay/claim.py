"""Which relay may publish: the one that holds the locks of its partitions in PostgreSQL; the others stand by.

The locks live as long as their connection. A relay that ended or was killed frees them at once. One that is paused
(SIGSTOP, a frozen machine) keeps them, but falls silent. With transactions the one that stands by then ends the
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

_EVERY_S = 1.0
_LOOK_S = 0.1
_ASK_S = 2.0


class CannotTakeOver(InfraError):
    """The silent relay logged in to PostgreSQL as another role: its connection cannot be ended from here."""

    def __init__(self, shard: Shard) -> None:
        super().__init__(
            f"the relay that holds partitions of shard {shard} is silent, but logged in to PostgreSQL as another role: "
            "end it by hand, and let all relays use one role"
        )


class Claim:
    """The partitions of a shard, claimed over one connection (in autocommit) for as long as that lives."""

    def __init__(
        self, connection: Connection, shard: Shard, partitions: int, *, takeover_after_s: float | None = None
    ) -> None:
        self._connection = connection
        self._shard = shard
        self._topic_partitions = partitions
        self._wanted = shard.partitions(partitions)
        self._takeover_after_s = takeover_after_s
        self._waiting_since = monotonic()
        self._looked_at = 0.0

    async def take(self) -> bool:
        """Take every partition, or none and return False. Raises psycopg.Error."""
        answer = await self._connection.execute(QUERIES["take_partitions"], {"partitions": self._wanted})
        if await answer.fetchone() == (len(self._wanted),):
            return True
        await self._connection.execute(QUERIES["release_partitions"])
        return False

    async def wait(self, stop: asyncio.Event, alive: Callable[[], None]) -> bool:
        """Stand by until the partitions are free or their holder has fallen silent; False when `stop` came first.

        Calls `alive` at every look. Raises psycopg.Error and CannotTakeOver.
        """
        if await self.take():
            return True
        log.info("relay_standing_by", shard=str(self._shard))
        while not stop.is_set():
            alive()
            # Not evenly: two that look at the same instants could take half of the locks each, for ever.
            await wait_for_event(stop, timeout_s=random.uniform(0.5, 1.5) * _LOOK_S)  # noqa: S311
            await self._end_silent_holders()
            if await self.take():
                return True
        return False

    async def keep(self, position: Callable[[], int | None]) -> None:
        """Note once a second that this relay is alive, and how far it is. Ends only with psycopg.Error: claim lost."""
        while True:
            await self.note(position())
            await asyncio.sleep(_EVERY_S)

    async def note(self, position: int | None) -> None:
        """Note that this relay is alive, and how far it has published."""
        await self._connection.execute(QUERIES["note_relay"], {"shard": str(self._shard), "position": position})

    async def is_held(self) -> bool:
        """Ask whether the connection lives, and the claim with it. Notes that this relay is alive."""
        try:
            async with asyncio.timeout(_ASK_S):
                await self.note(None)
        except (psycopg.Error, TimeoutError):
            return False
        return True

    async def others(self) -> set[Shard]:
        """Return the shards of other layouts, as far as they were noted, that have partitions in common with this."""
        rows = await (await self._connection.execute(QUERIES["noted_shards"])).fetchall()
        shards = {Shard.parse(text) for (text,) in rows} - {self._shard}
        return {each for each in shards if each.overlaps(self._shard, self._topic_partitions)}

    async def _end_silent_holders(self) -> None:
        silent_s, now = self._takeover_after_s, monotonic()
        if silent_s is None or now < self._waiting_since + silent_s or now < self._looked_at + min(_EVERY_S, silent_s):
            return
        self._looked_at = now
        shards = [str(each) for each in (self._shard, *await self.others())]
        parameters = {"partitions": self._wanted, "shards": shards, "silent_s": silent_s}
        try:
            answer = await self._connection.execute(QUERIES["end_silent_relays"], parameters)
        except psycopg.errors.InsufficientPrivilege as error:
            raise CannotTakeOver(self._shard) from error
        row = await answer.fetchone()
        if row is not None and row[0]:
            log.warning("relay_takes_over", shard=str(self._shard), silent_for_s=silent_s, connections_ended=row[0])

"""Effects once: a row per (consumer, topic, partition) holds the position of the last event applied.

In one transaction the rows of all that a poll brought are locked, events at or below them are dropped, the effects of
the others are written and the rows are moved. Redelivery, rebalances, a second member that thinks it owns a partition
and a wiped broker all end in the same effects. Kafka's own offsets are only a hint where to start reading.

The row also says whether dead letters have to be looked at; if so, nothing is done here
(`infra.kafka.consumer.dead_letters` does it).
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import structlog
from aiokafka import TopicPartition

from infra.kafka.consumer.selection import Applied, D, Delivered, Selection, select_new, summary
from infra.postgres.pool import Connection, Pool
from infra.postgres.queries import Queries

log = structlog.get_logger(__name__)

_SQL = Queries.load(Path(__file__).with_name("checkpoints.sql"))

D_contra = TypeVar("D_contra", bound=Delivered, contravariant=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """A locked row."""

    position: int
    dead_letters_until: int
    """Dead letters have to be looked at while the position is below this."""
    acknowledged_through: int
    """The newest dead letter (its id) when an event was last applied while some were open."""

    @property
    def look_at_dead_letters(self) -> bool:
        """Whether a batch from here on may meet one."""
        return self.position < self.dead_letters_until


Apply = Callable[[TopicPartition, Sequence[D]], Awaitable[Applied]]
Effects = Callable[[Connection, Sequence[D]], Awaitable[None]]
Write = Callable[[Connection, str, Mapping[str, Sequence[D]]], Awaitable[None]]


@runtime_checkable
class AppliesTogether(Protocol[D_contra]):
    """An `apply` that takes the batches of several partitions in one transaction too."""

    async def apply_together(
        self, batches: Mapping[TopicPartition, Sequence[D_contra]]
    ) -> Mapping[TopicPartition, Applied]:
        """Apply all of them. When it raises, those that are applied may be given to it again.

        Where dead letters have to be looked at, nothing is done.
        """
        ...


class Checkpointed(Generic[D]):
    """An `apply` for the batch runtime that writes effects and checkpoints in one transaction."""

    def __init__(
        self,
        pool: Pool,
        consumer: str,
        write: Write[D],
        *,
        names: Mapping[str, Sequence[str]] | None = None,
        committed: Callable[[Mapping[str, Sequence[D]]], None] | None = None,
        topics_apart: bool = False,
    ) -> None:
        """`names`: the checkpoints by topic, where a topic has others than one that is named as the consumer.

        `topics_apart`: each topic of a poll has a transaction of its own, for effects that write the same rows for
        several topics: one topic after the other, they could not lock them in one order.

        `write(conn, topic, messages)` gets for each checkpoint that has any its new messages, by position, of one
        partition or of several. It must neither commit nor keep anything outside the connection, as its transaction
        may be rolled back and run again. `committed` is called with the same, after the commit.
        """
        self.pool = pool
        self.consumer = consumer
        self._names = {topic: tuple(each) for topic, each in (names or {}).items()}
        self._write = write
        self._committed = committed
        self._topics_apart = topics_apart
        self._left_out: set[str] = set()

    async def __call__(self, partition: TopicPartition, messages: Sequence[D]) -> Applied:
        """Apply what is new, unless dead letters have to be looked at."""
        async with self.pool.connection() as conn, conn.transaction():
            checkpoints = await self.lock(conn, partition)
            if any(checkpoint.look_at_dead_letters for checkpoint in checkpoints.values()):
                return _dead_letters_first(checkpoints)
            chosen = {name: select_new(messages, checkpoint.position) for name, checkpoint in checkpoints.items()}
            fresh = {name: selection.fresh for name, selection in chosen.items() if selection.fresh}
            await self.write(conn, partition, fresh)
            await self.move(conn, partition, {name: chosen[name].checkpoint for name in fresh})
        self.committed(fresh)
        return summary(chosen)

    async def apply_together(self, batches: Mapping[TopicPartition, Sequence[D]]) -> dict[TopicPartition, Applied]:
        """Apply what is new in several partitions, but for those where dead letters have to be looked at.

        All of it or, when it raises, nothing; of topics that are kept apart, all before the one that it raises for.
        """
        if not self._topics_apart:
            return await self._apply_at_once(batches)
        results: dict[TopicPartition, Applied] = {}
        for _, partitions in groupby(sorted(batches), key=lambda partition: partition.topic):
            results |= await self._apply_at_once({partition: batches[partition] for partition in partitions})
        return results

    async def _apply_at_once(self, batches: Mapping[TopicPartition, Sequence[D]]) -> dict[TopicPartition, Applied]:
        results: dict[TopicPartition, Applied] = {}
        chosen: dict[TopicPartition, dict[str, Selection[D]]] = {}
        fresh: dict[str, dict[str, list[D]]] = {}  # by topic and checkpoint
        moved: list[tuple[str, TopicPartition, int]] = []
        async with self.pool.connection() as conn, conn.transaction():
            for partition, checkpoints in (await self._lock_all(conn, batches)).items():
                if any(checkpoint.look_at_dead_letters for checkpoint in checkpoints.values()):
                    results[partition] = _dead_letters_first(checkpoints)
                    continue
                selections = chosen[partition] = {
                    name: select_new(batches[partition], checkpoint.position)
                    for name, checkpoint in checkpoints.items()
                }
                for name, selection in selections.items():
                    if selection.fresh:
                        fresh.setdefault(partition.topic, {}).setdefault(name, []).extend(selection.fresh)
                        moved.append((name, partition, selection.checkpoint))
            for topic, messages in fresh.items():
                for each in messages.values():
                    each.sort(key=_position)
                await self._write(conn, topic, messages)
            await self._move_all(conn, moved)
        for messages in fresh.values():
            self.committed(messages)
        return results | {partition: summary(selections) for partition, selections in chosen.items()}

    async def _lock_all(
        self, conn: Connection, partitions: Iterable[TopicPartition]
    ) -> dict[TopicPartition, dict[str, Checkpoint]]:
        """Lock the rows of all partitions until the transaction ends, always in the same order."""
        ordered = sorted(partitions)
        rows = [(name, partition) for partition in ordered for name in self.names(partition)]
        key = {
            "names": [name for name, _ in rows],
            "topics": [partition.topic for _, partition in rows],
            "partitions": [partition.partition for _, partition in rows],
        }
        found = await self._lock_found(conn, key)
        if sum(map(len, found.values())) < len(rows):
            # Whoever lets a projection join holds the others' rows: once these are locked, all that joined can be seen.
            found = await self._lock_found(conn, key)
        for partition in ordered:
            checkpoints = found.get(partition)
            if checkpoints is None:
                found[partition] = await self.lock(conn, partition)  # they are new
            else:
                self._warn_left_out(partition, {*self.names(partition)} - checkpoints.keys())
        return found

    async def _lock_found(
        self, conn: Connection, key: Mapping[str, Any]
    ) -> dict[TopicPartition, dict[str, Checkpoint]]:
        cursor = await conn.execute(_SQL.lock_all_checkpoints, key)
        found: dict[TopicPartition, dict[str, Checkpoint]] = {}
        for topic, number, name, *columns in await cursor.fetchall():
            found.setdefault(TopicPartition(topic, number), {})[name] = _checkpoint(*columns)
        return found

    async def _move_all(self, conn: Connection, moved: Sequence[tuple[str, TopicPartition, int]]) -> None:
        if not moved:
            return
        columns = {
            "names": [name for name, _, _ in moved],
            "topics": [partition.topic for _, partition, _ in moved],
            "partitions": [partition.partition for _, partition, _ in moved],
            "positions": [position for _, _, position in moved],
        }
        await conn.execute(_SQL.move_all_checkpoints, columns)

    def names(self, partition: TopicPartition) -> Sequence[str]:
        """Return the checkpoints that a partition has."""
        return self._names.get(partition.topic, (self.consumer,))

    async def lock(self, conn: Connection, partition: TopicPartition) -> dict[str, Checkpoint]:
        """Lock the rows of a partition until the transaction ends and return them (position 0: new).

        Rows are made where none is there. Where others are, one that is missing is left out: it lacks what they have
        had, and would have the partition read again from its beginning. Whoever fills its gap makes its row.
        """
        # One row is found, locked and written a tenth of a millisecond faster by itself than as a set of one.
        names = self.names(partition)
        statement = _SQL.lock_checkpoint if len(names) == 1 else _SQL.lock_checkpoints
        for _ in range(2):
            rows = await (await conn.execute(statement, self.key(partition))).fetchall()
            if rows and len(rows) < len(names):  # as for all
                rows = await (await conn.execute(statement, self.key(partition))).fetchall()
            if rows:
                self._warn_left_out(partition, {*names} - {row[0] for row in rows})
                return {name: _checkpoint(*columns) for name, *columns in rows}
            await create_checkpoints(conn, self.consumer, names, partition)
        raise LookupError(f"no checkpoint of {self.consumer} for {partition.topic}/{partition.partition}")

    def _warn_left_out(self, partition: TopicPartition, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._left_out:
                self._left_out.add(name)
                log.warning("consumer_checkpoint_missing", checkpoint=name, topic=partition.topic)

    async def write(self, conn: Connection, partition: TopicPartition, fresh: Mapping[str, Sequence[D]]) -> None:
        """Write the effects of new messages."""
        if fresh:
            await self._write(conn, partition.topic, fresh)

    async def move(self, conn: Connection, partition: TopicPartition, positions: Mapping[str, int]) -> None:
        """Move rows that the caller has locked."""
        if not positions:
            return
        key = self.key(partition)
        names = self.names(partition)
        if len(names) == 1:
            await conn.execute(_SQL.move_checkpoint, key | {"position": positions[names[0]]})
        else:
            moved = {"names": list(positions), "positions": list(positions.values())}
            await conn.execute(_SQL.move_checkpoints, key | moved)

    def committed(self, fresh: Mapping[str, Sequence[D]]) -> None:
        """Tell who wanted to know that effects are committed."""
        if self._committed is not None and fresh:
            self._committed(fresh)

    def key(self, partition: TopicPartition) -> dict[str, Any]:
        """Return the parameters that name the rows of a partition."""
        names = self.names(partition)
        return {
            "name": names[0],
            "names": list(names),
            "topic": partition.topic,
            "partition": partition.partition,
        }


async def create_checkpoints(conn: Connection, consumer: str, names: Sequence[str], partition: TopicPartition) -> None:
    """Make rows of a partition that are not there, before its first event; nothing happens to those that are."""
    rows = {"consumer": consumer, "names": list(names), "topic": partition.topic, "partition": partition.partition}
    await conn.execute(_SQL.create_checkpoints, rows)


def checkpointed(
    pool: Pool,
    consumer: str,
    effects: Effects[D],
    *,
    committed: Callable[[Mapping[str, Sequence[D]]], None] | None = None,
) -> Checkpointed[D]:
    """Make an `apply` for a consumer with one checkpoint: `effects` gets the new messages, in order."""

    async def write(conn: Connection, _: str, messages: Mapping[str, Sequence[D]]) -> None:
        await effects(conn, messages[consumer])

    return Checkpointed(pool, consumer, write, committed=committed)


def _checkpoint(position: int, dead_letters_until: int, acknowledged_through: int) -> Checkpoint:
    return Checkpoint(
        position=position, dead_letters_until=dead_letters_until, acknowledged_through=acknowledged_through
    )


def _dead_letters_first(checkpoints: Mapping[str, Checkpoint]) -> Applied:
    lowest = min(checkpoint.position for checkpoint in checkpoints.values())
    return Applied(applied=0, dropped=0, checkpoint=lowest, look_at_dead_letters=True)


def _position(message: Delivered) -> int:
    return message.position

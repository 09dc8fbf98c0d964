"""Effects once: a row per (consumer, topic, partition) holds the position of the last event applied.

In one transaction the row is locked, events at or below it are dropped, the effects of the others are
written and the row is moved. Redelivery, rebalances, a second member that thinks it owns the partition and
a wiped broker all end in the same effects. Kafka's own offsets are only a hint where to start reading.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from aiokafka import TopicPartition

from infra.postgres import Connection, Pool, Queries

_SQL = Queries.load(Path(__file__).with_name("checkpoints.sql"))


class Delivered(Protocol):
    """What the runtime must know of a decoded message (`schemas.cloudevents.Delivered` is one)."""

    @property
    def position(self) -> int:
        """The event's position in the log; rises within a partition, but for republished events."""
        ...

    @property
    def previous_position(self) -> int:
        """The position of the event before it in the same partition, 0 for the first."""
        ...


D = TypeVar("D", bound=Delivered)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """Events between `checkpoint` and `previous_position` were never delivered: the broker lost them."""

    checkpoint: int
    previous_position: int
    position: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection(Generic[D]):
    """What of a batch is to be applied. `checkpoint` is where the consumer stands after `fresh`."""

    fresh: tuple[D, ...]
    checkpoint: int
    dropped: int
    gap: Gap | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """The result of a committed batch: how many were applied, and dropped as seen; with a gap, not all the rest."""

    applied: int
    dropped: int
    checkpoint: int
    gap: Gap | None = None


Apply = Callable[[TopicPartition, Sequence[D]], Awaitable[Applied]]
Effects = Callable[[Connection, TopicPartition, Sequence[D]], Awaitable[None]]


def select_new(messages: Sequence[D], checkpoint: int) -> Selection[D]:
    """Choose the messages to apply, in order: those with `previous_position <= checkpoint < position`.

    Each moves the checkpoint. What is at or below it is dropped as seen. What comes after missing events is
    left alone; the first such message is the gap, unless the missing ones and then it came again later in
    the batch.
    """
    fresh: list[D] = []
    after_gap: list[D] = []
    seen = 0
    for message in messages:
        if message.position <= checkpoint:
            seen += 1
        elif message.previous_position > checkpoint:
            after_gap.append(message)
        else:
            fresh.append(message)
            checkpoint = message.position
    missed = next((message for message in after_gap if message.position > checkpoint), None)
    return Selection(
        fresh=tuple(fresh),
        checkpoint=checkpoint,
        dropped=seen,
        gap=None if missed is None else _gap(missed, checkpoint),
    )


def _gap(message: Delivered, checkpoint: int) -> Gap:
    return Gap(checkpoint=checkpoint, previous_position=message.previous_position, position=message.position)


async def lock_checkpoint(conn: Connection, consumer: str, partition: TopicPartition) -> int:
    """Lock the consumer's row of a partition until the transaction ends and return its position (0: new)."""
    key = _key(consumer, partition)
    for _ in range(2):
        cursor = await conn.execute(_SQL.lock_checkpoint, key)
        if row := await cursor.fetchone():
            return int(row[0])
        await conn.execute(_SQL.create_checkpoint, key)
    raise LookupError(f"no checkpoint of {consumer} for {partition.topic}/{partition.partition}")


async def move_checkpoint(conn: Connection, consumer: str, partition: TopicPartition, position: int) -> None:
    """Move the consumer's row, which the caller has locked, to `position`."""
    await conn.execute(_SQL.move_checkpoint, {**_key(consumer, partition), "position": position})


def checkpointed(pool: Pool, consumer: str, effects: Effects[D]) -> Apply[D]:
    """Make an `apply` for the batch runtime that writes effects and checkpoint in one transaction.

    `effects(conn, partition, messages)` gets the new messages only, in order; it must neither commit nor keep
    anything outside the connection, as its transaction may be rolled back and run again.
    """

    async def apply(partition: TopicPartition, messages: Sequence[D]) -> Applied:
        async with pool.connection() as conn, conn.transaction():
            checkpoint = await lock_checkpoint(conn, consumer, partition)
            chosen = select_new(messages, checkpoint)
            if chosen.fresh:
                await effects(conn, partition, chosen.fresh)
                await move_checkpoint(conn, consumer, partition, chosen.checkpoint)
        return Applied(
            applied=len(chosen.fresh),
            dropped=chosen.dropped,
            checkpoint=chosen.checkpoint,
            gap=chosen.gap,
        )

    return apply


def _key(consumer: str, partition: TopicPartition) -> dict[str, Any]:
    return {"consumer": consumer, "topic": partition.topic, "partition": partition.partition}

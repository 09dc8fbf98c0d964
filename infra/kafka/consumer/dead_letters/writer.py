"""Applies a batch of a partition that has dead letters, and writes new ones.

Always under the lock of the consumer's checkpoints: of two members that both think they own the partition, the second
sees what the first has written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, Self

import structlog
from aiokafka import TopicPartition

from infra.kafka.consumer.checkpoints import Checkpoint, Checkpointed
from infra.kafka.consumer.dead_letters.dead_letter import Reason
from infra.kafka.consumer.dead_letters.delivery import Delivery
from infra.kafka.consumer.dead_letters.metrics import DEAD_LETTERS
from infra.kafka.consumer.dead_letters.store import (
    DeadLetterHolds,
    DeadLetterStore,
    KnownDeadLetter,
    NewDeadLetter,
    WrittenDeadLetter,
)
from infra.kafka.consumer.retry_policy import is_worth_retrying
from infra.kafka.consumer.selection import Applied, D, Selection, select_new, summary
from infra.postgres.pool import Connection

log = structlog.get_logger(__name__)

_PARKED = "an earlier record of its stream is a dead letter"
_REDELIVERED = "its event came again"


class TooManyDeadLetters(Exception):
    """So many records failed in a row that the cause is hardly in the records: no more of them become dead letters."""

    def __init__(self, failures: int, error: Exception) -> None:
        super().__init__(f"{failures} dead letters without one success, and now {type(error).__name__}: {error}")
        self.error = error


@dataclass(frozen=True, kw_only=True, slots=True)
class _Written(Generic[D]):
    """What a transaction did, to be reported after its commit."""

    applied: Applied
    fresh: Mapping[str, Sequence[D]] = field(default_factory=dict)
    dead_letters: Sequence[WrittenDeadLetter] = ()


class DeadLetterWriter(Generic[D]):
    """Handles the batches that `checkpointed` alone cannot, with its effects."""

    def __init__(self, checkpointed: Checkpointed[D], *, most_in_a_row: int = 50) -> None:
        """`most_in_a_row`: how many dead letters a partition may have without one success."""
        self._checkpointed = checkpointed
        self._most_in_a_row = most_in_a_row

    async def apply(self, partition: TopicPartition, deliveries: Sequence[Delivery[D]]) -> Applied:
        """Apply decoded records, except those that are discarded, and those that are parked behind a dead letter.

        Raises what the effects raise; nothing is done then.
        """
        async with self._checkpointed.pool.connection() as conn, conn.transaction():
            written = await _Transaction(self._checkpointed, conn, partition, self._most_in_a_row).apply(deliveries)
        return self._report(partition, written)

    async def dead_letter(self, partition: TopicPartition, delivery: Delivery[D]) -> Applied:
        """Apply one record if that is possible; else write a dead letter.

        Raises what is worth trying again, and TooManyDeadLetters.
        """
        async with self._checkpointed.pool.connection() as conn, conn.transaction():
            transaction = _Transaction(self._checkpointed, conn, partition, self._most_in_a_row)
            written = await transaction.dead_letter(delivery)
        return self._report(partition, written)

    def _report(self, partition: TopicPartition, written: _Written[D]) -> Applied:
        self._checkpointed.committed(written.fresh)
        consumer = self._checkpointed.consumer
        for dead_letter in written.dead_letters:
            new = dead_letter.written
            if dead_letter.is_new:
                DEAD_LETTERS.labels(consumer, partition.topic, new.reason.value).inc()
            error = new.error
            (log.warning if isinstance(error, str) else log.error)(
                "consumer_dead_letter",
                consumer=consumer,
                dead_letter=dead_letter.id,
                topic=partition.topic,
                partition=partition.partition,
                offset=new.delivery.record.offset,
                position=new.delivery.position or None,
                stream=new.delivery.stream,
                reason=new.reason.value,
                error=error if isinstance(error, str) else f"{type(error).__name__}: {error}".strip().rstrip(":"),
                # Where the effects failed; the text of a decoder's error says all.
                exc_info=error if new.reason is Reason.REFUSED else None,
            )
        return written.applied


@dataclass(frozen=True, kw_only=True, slots=True)
class _Selected(Generic[D]):
    """A batch as the checkpoints and dead letters divide it: what each checkpoint applies, and what it holds back."""

    checkpoints: Mapping[str, Checkpoint]
    known: Sequence[KnownDeadLetter]
    holds: Mapping[str, DeadLetterHolds]
    chosen: Mapping[str, Selection[Delivery[D]]]

    @property
    def fresh(self) -> dict[str, list[D]]:
        """What each checkpoint is to apply; checkpoints with nothing to apply are left out."""
        fresh = {
            name: [delivery.message for delivery in chosen.fresh if delivery.message is not None]
            for name, chosen in self.chosen.items()
        }
        return {name: messages for name, messages in fresh.items() if messages}

    @property
    def parked(self) -> list[NewDeadLetter]:
        """What is held back and not in the table yet."""
        lacking: dict[int, list[str]] = {}
        deliveries: dict[int, Delivery[D]] = {}
        for name, chosen in self.chosen.items():
            for delivery in chosen.held:
                if not self.holds[name].is_written(delivery.position):
                    deliveries[delivery.position] = delivery
                    lacking.setdefault(delivery.position, []).append(name)
        return [
            NewDeadLetter(delivery=delivery, reason=Reason.BEHIND, error=_PARKED, lacking=lacking[position])
            for position, delivery in sorted(deliveries.items())
        ]

    def all_held(self) -> Self:
        """Return the selection for a single record that cannot be applied: it is held back, no checkpoint moves."""
        return replace(
            self,
            chosen={
                name: replace(
                    chosen,
                    fresh=(),
                    held=(*chosen.held, *chosen.fresh),
                    checkpoint=self.checkpoints[name].position,
                )
                for name, chosen in self.chosen.items()
            },
        )


class _Transaction(Generic[D]):
    """The work of one transaction, which the caller has opened."""

    def __init__(
        self, checkpointed: Checkpointed[D], conn: Connection, partition: TopicPartition, most_in_a_row: int
    ) -> None:
        self._checkpointed = checkpointed
        self._conn = conn
        self._partition = partition
        self._most_in_a_row = most_in_a_row
        self._store = DeadLetterStore(conn, checkpointed.consumer, partition)

    async def apply(self, deliveries: Sequence[Delivery[D]]) -> _Written[D]:
        batch = await self._select(deliveries)
        await self._checkpointed.write(self._conn, self._partition, batch.fresh)
        return await self._write(batch, batch.fresh, batch.parked)

    async def dead_letter(self, delivery: Delivery[D]) -> _Written[D]:
        if not delivery.is_placed:
            return await self._dead_letter_unplaced(delivery)
        batch = await self._select([delivery])
        error = await self._error_of(delivery, batch.fresh)
        if error is None:
            return await self._write(batch, batch.fresh, batch.parked)
        new = batch.parked
        if lacking := [name for name, chosen in batch.chosen.items() if chosen.fresh]:
            if all(dead_letter.position != delivery.position for dead_letter in batch.known):
                await self._limit_in_a_row(batch.checkpoints, error)
            new.append(_new_dead_letter(delivery, error, lacking))
        return await self._write(batch.all_held(), {}, new)

    async def _select(self, deliveries: Sequence[Delivery[D]]) -> _Selected[D]:
        checkpoints = await self._checkpointed.lock(self._conn, self._partition)
        above = min(checkpoint.position for checkpoint in checkpoints.values())
        known = await self._store.known(deliveries, above=above)
        holds = {name: DeadLetterHolds(name, known) for name in checkpoints}
        chosen = {
            name: select_new(deliveries, checkpoint.position, holds[name]) for name, checkpoint in checkpoints.items()
        }
        return _Selected(checkpoints=checkpoints, known=known, holds=holds, chosen=chosen)

    async def _error_of(self, delivery: Delivery[D], fresh: Mapping[str, Sequence[D]]) -> Exception | None:
        """Apply one record; return None, or its own error, after which its effects are undone. Raises other errors."""
        if delivery.error is not None:
            return delivery.error
        try:
            async with self._conn.transaction():
                await self._checkpointed.write(self._conn, self._partition, fresh)
        except Exception as error:
            if is_worth_retrying(error):
                raise
            return error
        return None

    async def _limit_in_a_row(self, checkpoints: Mapping[str, Checkpoint], error: Exception) -> None:
        acknowledged_through = max(checkpoint.acknowledged_through for checkpoint in checkpoints.values())
        failures = await self._store.failures_in_a_row(acknowledged_through)
        if failures >= self._most_in_a_row:
            raise TooManyDeadLetters(failures, error)

    async def _dead_letter_unplaced(self, delivery: Delivery[D]) -> _Written[D]:
        assert delivery.error is not None
        checkpoints = await self._checkpointed.lock(self._conn, self._partition)
        look = any(checkpoint.look_at_dead_letters for checkpoint in checkpoints.values())
        lowest = min(checkpoint.position for checkpoint in checkpoints.values())
        if await self._store.is_known_unplaced(delivery):
            return _Written(applied=Applied(applied=0, dropped=1, checkpoint=lowest, look_at_dead_letters=look))
        await self._limit_in_a_row(checkpoints, delivery.error)
        dead_letters = await self._store.insert(
            [_new_dead_letter(delivery, delivery.error, self._checkpointed.names(self._partition))]
        )
        applied = Applied(applied=0, dropped=0, held=1, checkpoint=lowest, look_at_dead_letters=look)
        return _Written(applied=applied, dead_letters=dead_letters)

    async def _write(
        self, batch: _Selected[D], fresh: Mapping[str, Sequence[D]], new: Sequence[NewDeadLetter]
    ) -> _Written[D]:
        """Write dead letters, resolve those whose events were applied, move the checkpoints."""
        # Before the new ones are written: those that were open when an event could be applied are acknowledged.
        acknowledged_through = await self._store.newest_open() if fresh else 0
        await self._resolve(batch.known, fresh)
        dead_letters = await self._store.insert(new)
        moved = {
            name: chosen.checkpoint
            for name, chosen in batch.chosen.items()
            if chosen.checkpoint > batch.checkpoints[name].position
        }
        await self._checkpointed.move(self._conn, self._partition, moved)
        look = await self._store.update_checkpoints(
            self._checkpointed.names(self._partition), acknowledged_through=acknowledged_through
        )
        applied = replace(summary(batch.chosen), look_at_dead_letters=look)
        return _Written(applied=applied, fresh=fresh, dead_letters=dead_letters)

    async def _resolve(self, known: Sequence[KnownDeadLetter], fresh: Mapping[str, Sequence[D]]) -> None:
        applied = {name: {each.position for each in messages} for name, messages in fresh.items()}
        for dead_letter in known:
            names = [name for name, positions in applied.items() if dead_letter.position in positions]
            if names and not dead_letter.discarded:
                await self._store.applied(dead_letter.id, names, _REDELIVERED)


def _new_dead_letter(delivery: Delivery[D], error: Exception, lacking: Sequence[str]) -> NewDeadLetter:
    reason = Reason.REFUSED if delivery.error is None else Reason.UNDECODABLE
    return NewDeadLetter(delivery=delivery, reason=reason, error=error, lacking=lacking)

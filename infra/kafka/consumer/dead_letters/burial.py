"""Applies a batch while dead letters are about, and writes new ones.

All under the lock of the consumer's checkpoints: of two members that both think they own the partition, the second
sees what the first has written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, Self

import structlog
from aiokafka import TopicPartition

from infra.kafka.consumer.checkpoints import Applied, Checkpoint, Checkpointed, D, Selection, select_new, summary
from infra.kafka.consumer.dead_letters.delivery import Delivery
from infra.kafka.consumer.dead_letters.letter import Reason
from infra.kafka.consumer.dead_letters.metrics import DEAD_LETTERS
from infra.kafka.consumer.dead_letters.store import Burial, Buried, Holder, KnownLetter, Letters
from infra.kafka.consumer.transient import is_worth_retrying
from infra.postgres.pool import Connection

log = structlog.get_logger(__name__)

_PARKED = "an earlier record of its stream is a dead letter"
_COME_AGAIN = "its event came again"


class TooManyDeadLetters(Exception):
    """So many records failed in a row that the fault is hardly theirs: nobody should lose the place of more."""

    def __init__(self, failures: int, error: Exception) -> None:
        super().__init__(f"{failures} dead letters without one success, and now {type(error).__name__}: {error}")
        self.error = error


@dataclass(frozen=True, kw_only=True, slots=True)
class _Done(Generic[D]):
    """What became of a batch, to be told after the commit."""

    applied: Applied
    fresh: Mapping[str, Sequence[D]] = field(default_factory=dict)
    buried: Sequence[Buried] = ()


class Undertaker(Generic[D]):
    """Deals with batches that the good path cannot take: `checkpointed` is that path, and shares its effects."""

    def __init__(self, checkpointed: Checkpointed[D], *, most_in_a_row: int = 50) -> None:
        """`most_in_a_row`: dead letters of a partition without one success, after which it stands still."""
        self._checkpointed = checkpointed
        self._most_in_a_row = most_in_a_row

    async def take(self, partition: TopicPartition, deliveries: Sequence[Delivery[D]]) -> Applied:
        """Apply decoded records, but those that are discarded or wait behind a dead letter: these are parked.

        Raises what the handler raises; nothing is done then.
        """
        async with self._checkpointed.pool.connection() as conn, conn.transaction():
            done = await _Batch(self._checkpointed, conn, partition, self._most_in_a_row).take(deliveries)
        return self._tell(partition, done)

    async def bury(self, partition: TopicPartition, delivery: Delivery[D]) -> Applied:
        """Apply one record if that can be; else make it a dead letter.

        Raises what is worth trying again, and TooManyDeadLetters.
        """
        async with self._checkpointed.pool.connection() as conn, conn.transaction():
            done = await _Batch(self._checkpointed, conn, partition, self._most_in_a_row).bury(delivery)
        return self._tell(partition, done)

    def _tell(self, partition: TopicPartition, done: _Done[D]) -> Applied:
        self._checkpointed.committed(done.fresh)
        consumer = self._checkpointed.consumer
        for buried in done.buried:
            if buried.is_new:
                DEAD_LETTERS.labels(consumer, partition.topic, buried.burial.reason.value).inc()
            error = buried.burial.error
            (log.warning if isinstance(error, str) else log.error)(
                "consumer_dead_letter",
                consumer=consumer,
                dead_letter=buried.id,
                topic=partition.topic,
                partition=partition.partition,
                offset=buried.burial.delivery.record.offset,
                position=buried.burial.delivery.position or None,
                stream=buried.burial.delivery.stream,
                reason=buried.burial.reason.value,
                error=error if isinstance(error, str) else f"{type(error).__name__}: {error}".strip().rstrip(":"),
                # Where the handler failed; of a decoder's error all is said.
                exc_info=error if buried.burial.reason is Reason.REFUSED else None,
            )
        return done.applied


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sorted(Generic[D]):
    """A batch beside what each checkpoint knows: which of it is to be applied, and which held."""

    checkpoints: Mapping[str, Checkpoint]
    known: Sequence[KnownLetter]
    holders: Mapping[str, Holder]
    chosen: Mapping[str, Selection[Delivery[D]]]

    @property
    def fresh(self) -> dict[str, list[D]]:
        """What each checkpoint is to apply; those that have nothing to apply are left out."""
        fresh = {
            name: [delivery.message for delivery in chosen.fresh if delivery.message is not None]
            for name, chosen in self.chosen.items()
        }
        return {name: messages for name, messages in fresh.items() if messages}

    @property
    def parked(self) -> list[Burial]:
        """What is held and not in the table yet."""
        lacking: dict[int, list[str]] = {}
        deliveries: dict[int, Delivery[D]] = {}
        for name, chosen in self.chosen.items():
            for delivery in chosen.held:
                if not self.holders[name].is_written(delivery.position):
                    deliveries[delivery.position] = delivery
                    lacking.setdefault(delivery.position, []).append(name)
        return [
            Burial(delivery=delivery, reason=Reason.BEHIND, error=_PARKED, lacking=lacking[position])
            for position, delivery in sorted(deliveries.items())
        ]

    def kept_back(self) -> Self:
        """Return what becomes of a single record that cannot be applied: nothing moves."""
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


class _Batch(Generic[D]):
    """One transaction's work."""

    def __init__(
        self, checkpointed: Checkpointed[D], conn: Connection, partition: TopicPartition, most_in_a_row: int
    ) -> None:
        self._checkpointed = checkpointed
        self._conn = conn
        self._partition = partition
        self._most_in_a_row = most_in_a_row
        self._letters = Letters(conn, checkpointed.consumer, partition)

    async def take(self, deliveries: Sequence[Delivery[D]]) -> _Done[D]:
        batch = await self._sort(deliveries)
        await self._checkpointed.write(self._conn, self._partition, batch.fresh)
        return await self._finish(batch, batch.fresh, batch.parked)

    async def bury(self, delivery: Delivery[D]) -> _Done[D]:
        if not delivery.is_placed:
            return await self._bury_unplaced(delivery)
        batch = await self._sort([delivery])
        error = await self._fault(delivery, batch.fresh)
        if error is None:
            return await self._finish(batch, batch.fresh, batch.parked)
        burials = batch.parked
        if lacking := [name for name, chosen in batch.chosen.items() if chosen.fresh]:
            if all(letter.position != delivery.position for letter in batch.known):
                await self._check_row(batch.checkpoints, error)
            burials.append(_burial(delivery, error, lacking))
        return await self._finish(batch.kept_back(), {}, burials)

    async def _sort(self, deliveries: Sequence[Delivery[D]]) -> _Sorted[D]:
        checkpoints = await self._checkpointed.lock(self._conn, self._partition)
        above = min(checkpoint.position for checkpoint in checkpoints.values())
        known = await self._letters.known(deliveries, above=above)
        holders = {name: Holder(name, known) for name in checkpoints}
        chosen = {
            name: select_new(deliveries, checkpoint.position, holders[name]) for name, checkpoint in checkpoints.items()
        }
        return _Sorted(checkpoints=checkpoints, known=known, holders=holders, chosen=chosen)

    async def _fault(self, delivery: Delivery[D], fresh: Mapping[str, Sequence[D]]) -> Exception | None:
        """Apply one record; return the error that is its own, or None. Its effects are undone then."""
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

    async def _check_row(self, checkpoints: Mapping[str, Checkpoint], error: Exception) -> None:
        forgiven = max(checkpoint.dead_letters_forgiven for checkpoint in checkpoints.values())
        failures = await self._letters.failures_in_a_row(forgiven)
        if failures >= self._most_in_a_row:
            raise TooManyDeadLetters(failures, error)

    async def _bury_unplaced(self, delivery: Delivery[D]) -> _Done[D]:
        assert delivery.error is not None
        checkpoints = await self._checkpointed.lock(self._conn, self._partition)
        look = any(checkpoint.look_at_dead_letters for checkpoint in checkpoints.values())
        lowest = min(checkpoint.position for checkpoint in checkpoints.values())
        if await self._letters.is_buried_unplaced(delivery):
            return _Done(applied=Applied(applied=0, dropped=1, checkpoint=lowest, look_at_dead_letters=look))
        await self._check_row(checkpoints, delivery.error)
        buried = await self._letters.bury(
            [_burial(delivery, delivery.error, self._checkpointed.names(self._partition))]
        )
        applied = Applied(applied=0, dropped=0, held=1, checkpoint=lowest, look_at_dead_letters=look)
        return _Done(applied=applied, buried=buried)

    async def _finish(self, batch: _Sorted[D], fresh: Mapping[str, Sequence[D]], burials: Sequence[Burial]) -> _Done[D]:
        """Write dead letters, resolve those whose events were applied, move the checkpoints."""
        # Before the new ones are written: those that were open when an event could be applied are forgiven.
        forgiven = await self._letters.newest_open() if fresh else 0
        await self._resolve(batch.known, fresh)
        buried = await self._letters.bury(burials)
        moved = {
            name: chosen.checkpoint
            for name, chosen in batch.chosen.items()
            if chosen.checkpoint > batch.checkpoints[name].position
        }
        await self._checkpointed.move(self._conn, self._partition, moved)
        look = await self._letters.note_in_checkpoints(self._checkpointed.names(self._partition), forgiven=forgiven)
        applied = replace(summary(batch.chosen), look_at_dead_letters=look)
        return _Done(applied=applied, fresh=fresh, buried=buried)

    async def _resolve(self, known: Sequence[KnownLetter], fresh: Mapping[str, Sequence[D]]) -> None:
        for letter in known:
            names = [
                name for name, messages in fresh.items() if any(each.position == letter.position for each in messages)
            ]
            if names and not letter.discarded:
                await self._letters.applied(letter.id, names, _COME_AGAIN)


def _burial(delivery: Delivery[D], error: Exception, lacking: Sequence[str]) -> Burial:
    reason = Reason.REFUSED if delivery.error is None else Reason.UNDECODABLE
    return Burial(delivery=delivery, reason=reason, error=error, lacking=lacking)

"""Applies dead letters whose replay was requested: by the owner of the partition, under the checkpoints' lock.

A stream's dead letters are applied in their order, one in a transaction, until none is left or one fails again. So
to replay one is to replay all of its stream; no later event of the stream is applied before that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic

import structlog
from aiokafka import ConsumerRecord, TopicPartition

from infra.kafka.consumer.checkpoints import Checkpoint, Checkpointed
from infra.kafka.consumer.dead_letters.dead_letter import DeadLetter, Reason
from infra.kafka.consumer.dead_letters.delivery import Decode, Delivery
from infra.kafka.consumer.dead_letters.metrics import REPLAYS
from infra.kafka.consumer.dead_letters.store import DeadLetterHolds, DeadLetterStore, KnownDeadLetter
from infra.kafka.consumer.retry_policy import is_worth_retrying
from infra.kafka.consumer.selection import D, select_new
from infra.postgres.pool import Connection

log = structlog.get_logger(__name__)

_REPLAYED = "replayed"
_SEEN = "its event was delivered again and dealt with"


class TooEarly(Exception):
    """Events before it have not been applied yet: the consumer is reading everything again."""


class WaitsForAnother(Exception):
    """An earlier record of its stream is a dead letter."""

    def __init__(self) -> None:
        super().__init__("an earlier record of its stream is a dead letter: replay that first")


class _ReplayOutcome(Enum):
    NOTHING_TO_DO = auto()
    LATER = auto()
    FAILED = auto()
    APPLIED = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Step(Generic[D]):
    outcome: _ReplayOutcome
    marked: int = 0
    dead_letter: DeadLetter | None = None
    fresh: dict[str, list[D]] | None = None
    error: BaseException | None = None


class Replayer(Generic[D]):
    """Replays for one consumer."""

    def __init__(self, checkpointed: Checkpointed[D], decode: Decode[D]) -> None:
        self._checkpointed = checkpointed
        self._decode = decode

    async def replay(self, partition: TopicPartition, *, most: int = 1000) -> int:
        """Apply what is marked, at most so many; return how many were applied. Raises what is worth trying again."""
        applied, later = 0, list[int]()
        for _ in range(most):
            async with self._checkpointed.pool.connection() as conn, conn.transaction():
                step = await self._step(conn, partition, later)
            if step.outcome is _ReplayOutcome.NOTHING_TO_DO:
                break
            if step.outcome is _ReplayOutcome.LATER:
                later.append(step.marked)
                continue
            applied += step.outcome is _ReplayOutcome.APPLIED
            self._report(partition, step)
        return applied

    async def _step(self, conn: Connection, partition: TopicPartition, later: list[int]) -> _Step[D]:
        checkpoints = await self._checkpointed.lock(conn, partition)
        store = DeadLetterStore(conn, self._checkpointed.consumer, partition)
        marked = await store.marked(not_these=later)
        if marked is None:
            return _Step(outcome=_ReplayOutcome.NOTHING_TO_DO)
        dead_letter = await store.first_of_stream(marked)
        if dead_letter is None:  # discarded at this moment
            return _Step(outcome=_ReplayOutcome.LATER, marked=marked["id"])
        delivery = Delivery.of(_record(dead_letter), self._decode)
        if delivery.error is not None:
            await store.failed_again(dead_letter, Reason.UNDECODABLE, delivery.error)
            return _Step(outcome=_ReplayOutcome.FAILED, dead_letter=dead_letter, error=delivery.error)
        known = await store.known([delivery], above=min(each.position for each in checkpoints.values()))
        try:
            taken = _checkpoints_to_apply(dead_letter, delivery, checkpoints, known)
            fresh = {name: [delivery.message] for name in taken if delivery.message is not None}
            async with conn.transaction():
                await self._checkpointed.write(conn, partition, fresh)
        except TooEarly:
            return _Step(outcome=_ReplayOutcome.LATER, marked=marked["id"])
        except Exception as error:
            if is_worth_retrying(error):
                raise
            await store.failed_again(dead_letter, Reason.REFUSED, error)
            return _Step(outcome=_ReplayOutcome.FAILED, dead_letter=dead_letter, error=error)
        passed = {name: delivery.position for name in taken if delivery.position > checkpoints[name].position}
        await self._checkpointed.move(conn, partition, passed)
        await store.applied(dead_letter.id, dead_letter.lacking, _REPLAYED if fresh else _SEEN)
        if dead_letter.position is not None:
            await store.mark_next(dead_letter)
        await store.update_checkpoints(
            self._checkpointed.names(partition), acknowledged_through=dead_letter.id if fresh else 0
        )
        return _Step(outcome=_ReplayOutcome.APPLIED, dead_letter=dead_letter, fresh=fresh)

    def _report(self, partition: TopicPartition, step: _Step[D]) -> None:
        assert step.dead_letter is not None
        failed = step.outcome is _ReplayOutcome.FAILED
        consumer = self._checkpointed.consumer
        REPLAYS.labels(consumer, partition.topic, "failed" if failed else "applied").inc()
        if step.fresh:
            self._checkpointed.committed(step.fresh)
        log.info(
            "consumer_dead_letter_replayed",
            consumer=consumer,
            dead_letter=step.dead_letter.id,
            topic=partition.topic,
            partition=partition.partition,
            position=step.dead_letter.position,
            stream=step.dead_letter.stream,
            requested_by=step.dead_letter.requested_by,
            outcome="failed" if failed else "applied",
            error=None if step.error is None else f"{type(step.error).__name__}: {step.error}",
        )


def _checkpoints_to_apply(
    dead_letter: DeadLetter,
    delivery: Delivery[D],
    checkpoints: Mapping[str, Checkpoint],
    known: Sequence[KnownDeadLetter],
) -> list[str]:
    """Return the checkpoints that the record is applied for. Raises TooEarly or WaitsForAnother.

    A checkpoint that has passed it left it out, and gets it now. One that has not, takes it as if it were delivered.
    """
    taken = []
    for name in dead_letter.lacking:
        checkpoint = checkpoints.get(name)
        if checkpoint is None:
            continue  # a projection that there is no more
        if delivery.position > checkpoint.position:
            holder = DeadLetterHolds(name, known)
            if dead_letter.position is None and holder.hold(delivery):
                raise WaitsForAnother
            if select_new([delivery], checkpoint.position, holder).gap is not None:
                raise TooEarly
        elif dead_letter.position is None:
            continue  # the checkpoint knew nothing of it, and passed its event as it was delivered otherwise
        taken.append(name)
    return taken


def _record(dead_letter: DeadLetter) -> "ConsumerRecord[bytes | None, bytes | None]":
    """Return the record as it was delivered."""
    return ConsumerRecord(
        topic=dead_letter.topic,
        partition=dead_letter.partition,
        offset=dead_letter.kafka_offset,
        timestamp=round(dead_letter.kafka_timestamp.timestamp() * 1000),
        timestamp_type=0,
        key=dead_letter.key,
        value=dead_letter.value,
        checksum=None,
        serialized_key_size=len(dead_letter.key or b""),
        serialized_value_size=len(dead_letter.value or b""),
        headers=tuple(dead_letter.headers),
    )

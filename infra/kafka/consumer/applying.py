"""What happens to a partition's records: decode, apply, retry, go back after a gap, write dead letters, halt.

Nothing here raises to FastStream, which would go on with the next records as if these had been handled.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Generic, Protocol, runtime_checkable

import structlog
from aiokafka import TopicPartition

from infra.kafka.consumer import metrics
from infra.kafka.consumer.checkpoints import Applied, Apply, D, Gap
from infra.kafka.consumer.dead_letters.delivery import Decode, Delivery
from infra.kafka.consumer.dead_letters.writer import DeadLetterWriter, TooManyDeadLetters
from infra.kafka.consumer.liveness import ConsumerProgress
from infra.kafka.consumer.partition_watch import PartitionWatch
from infra.kafka.consumer.retry_policy import is_worth_retrying
from infra.kafka.consumer.subscription import Record
from infra.logs import bound_context
from infra.process.waiting import wait_for_event

log = structlog.get_logger(__name__)

_APPLY_TIMEOUT_S = 60.0
_BACKOFF_S = (0.1, 5.0)


CheckOrigin = Callable[[Sequence[D]], Awaitable[None]]


@runtime_checkable
class Identified(Protocol):
    """A decoded message may have this, for the log line of a record that cannot be applied."""

    @property
    def log_ids(self) -> Mapping[str, str | None]:
        """The ids of `infra.logs.CONTEXT_IDS` that the message knows."""
        ...


class RecordApplier(Generic[D]):
    """Applies records for one consumer.

    What can never be applied becomes a dead letter; without a `dead_letter_writer`, its partition is halted.
    """

    def __init__(
        self,
        *,
        name: str,
        decode: Decode[D],
        apply: Apply[D],
        progress: ConsumerProgress,
        stop: asyncio.Event,
        check_origin: CheckOrigin[D] | None = None,
        dead_letter_writer: DeadLetterWriter[D] | None = None,
    ) -> None:
        self._name = name
        self._decode = decode
        self._apply = apply
        self._check_origin = check_origin
        self._progress = progress
        self._stop = stop
        self._dead_letter_writer = dead_letter_writer
        self._with_dead_letters: set[TopicPartition] = set()

    async def take(self, watch: PartitionWatch, partition: TopicPartition, records: Sequence[Record]) -> None:
        """Deal with the records of one partition, in order."""
        if self._progress.is_halted(partition):
            return
        try:
            await self._take(watch, partition, [Delivery.of(record, self._decode) for record in records])
        except Exception as error:
            # A fault of this module. What was not applied must not be passed over.
            log.exception("consumer_failed", consumer=self._name, **_where(partition))
            self._halt(watch, partition, records[0], error, None)

    async def _take(self, watch: PartitionWatch, partition: TopicPartition, deliveries: Sequence[Delivery[D]]) -> None:
        for decoded, group in groupby(deliveries, key=lambda delivery: delivery.message is not None):
            if decoded:
                done = await self._apply_or_find_fault(watch, partition, list(group))
            else:
                done = await self._dead_letter_each(watch, partition, group)
            if not done:
                return

    async def _dead_letter_each(
        self, watch: PartitionWatch, partition: TopicPartition, deliveries: Iterable[Delivery[D]]
    ) -> bool:
        for delivery in deliveries:
            if not await self._dead_letter(watch, partition, delivery):
                return False
        return True

    async def _apply_or_find_fault(
        self, watch: PartitionWatch, partition: TopicPartition, deliveries: Sequence[Delivery[D]]
    ) -> bool:
        """Apply a batch; one that fails for good is halved, until the records at fault are alone.

        Returns whether all of it is done, so that what comes next may be looked at.
        """
        try:
            return await self._settle(watch, partition, deliveries, lambda: self._attempt(partition, deliveries))
        except Exception as error:  # noqa: BLE001 - whatever is not worth trying again
            if len(deliveries) == 1:
                return await self._dead_letter(watch, partition, deliveries[0], error)
            log.info("consumer_batch_halved", consumer=self._name, error=reason(error), **_where(partition))
        middle = len(deliveries) // 2
        for half in (deliveries[:middle], deliveries[middle:]):
            if not await self._apply_or_find_fault(watch, partition, half):
                return False
        return True

    async def _attempt(self, partition: TopicPartition, deliveries: Sequence[Delivery[D]]) -> Applied:
        messages = [delivery.message for delivery in deliveries if delivery.message is not None]
        if self._check_origin is not None:
            await self._check_origin(messages)
        if partition not in self._with_dead_letters:
            applied = await self._apply(partition, messages)
            if not applied.look_at_dead_letters:
                return applied
            self._with_dead_letters.add(partition)
        if self._dead_letter_writer is None:
            raise LookupError("there are dead letters, and this consumer was not made to know of any")
        applied = await self._dead_letter_writer.apply(partition, deliveries)
        if not applied.look_at_dead_letters:
            self._with_dead_letters.discard(partition)
        return applied

    async def _dead_letter(
        self,
        watch: PartitionWatch,
        partition: TopicPartition,
        delivery: Delivery[D],
        error: Exception | None = None,
    ) -> bool:
        """Make a dead letter of a record, unless it can be applied now."""
        fault = error or delivery.error
        assert fault is not None
        writer = self._dead_letter_writer
        if writer is not None:
            try:
                return await self._settle(watch, partition, [delivery], lambda: writer.dead_letter(partition, delivery))
            except TooManyDeadLetters as too_many:
                fault = too_many
        self._halt(watch, partition, delivery.record, fault, delivery.message)
        return False

    async def _settle(
        self,
        watch: PartitionWatch,
        partition: TopicPartition,
        deliveries: Sequence[Delivery[D]],
        attempt: Callable[[], Awaitable[Applied]],
    ) -> bool:
        """Do it, as often as it takes. False: not done, or not all of it. Raises what is permanent."""
        applied = await self._until_done(watch, partition, attempt)
        if applied is None:
            return False
        metrics.APPLIED.labels(self._name, partition.topic).inc(applied.applied)
        metrics.DROPPED.labels(self._name, partition.topic, "seen").inc(applied.dropped)
        watch.handled(
            partition,
            next_offset=deliveries[-1].record.offset + 1 if applied.gap is None else None,
            moved=applied.applied > 0,
            proves=any(delivery.is_placed for delivery in deliveries),
        )
        if applied.gap is not None:
            left = len(deliveries) - applied.applied - applied.held - applied.dropped
            metrics.DROPPED.labels(self._name, partition.topic, "after_gap").inc(left)
            self._search(watch, partition, applied.gap)
            return False
        self._progress.applied(partition)
        return True

    async def _until_done(
        self, watch: PartitionWatch, partition: TopicPartition, attempt: Callable[[], Awaitable[Applied]]
    ) -> Applied | None:
        """Return None when the process stops, or the partition is no longer ours."""
        delay, longest = _BACKOFF_S
        while True:
            started = time.perf_counter()
            try:
                async with asyncio.timeout(_APPLY_TIMEOUT_S):
                    applied = await attempt()
            except Exception as error:
                if not is_worth_retrying(error):
                    raise
                self._retrying(partition, error)
            else:
                seconds = time.perf_counter() - started
                metrics.BATCH_SECONDS.labels(self._name, partition.topic).observe(seconds)
                return applied
            await wait_for_event(self._stop, timeout_s=delay)
            delay = min(delay * 2, longest)
            if self._stop.is_set() or not watch.is_ours(partition):
                return None

    def _retrying(self, partition: TopicPartition, error: Exception) -> None:
        metrics.FAILURES.labels(self._name, partition.topic, "transient").inc()
        self._progress.failing(partition, reason(error))
        log.warning("consumer_retries", consumer=self._name, error=reason(error), **_where(partition))

    def _search(self, watch: PartitionWatch, partition: TopicPartition, gap: Gap) -> None:
        self._progress.failing(partition, f"events after position {gap.checkpoint} are missing")
        if not watch.missing(partition, after=gap.checkpoint):
            return
        metrics.GAPS.labels(self._name, partition.topic).inc()
        log.warning(
            "consumer_gap",
            consumer=self._name,
            checkpoint=gap.checkpoint,
            previous_position=gap.previous_position,
            position=gap.position,
            **_where(partition),
        )

    def _halt(
        self, watch: PartitionWatch, partition: TopicPartition, record: Record, error: Exception, message: D | None
    ) -> None:
        metrics.FAILURES.labels(self._name, partition.topic, "permanent").inc()
        self._progress.halt(partition, f"offset {record.offset}: {reason(error)}")
        metrics.HALTED.labels(self._name).set(self._progress.halted)
        watch.pause(partition)
        with bound_context(**(message.log_ids if isinstance(message, Identified) else {})):
            log.error(
                "consumer_partition_halted",
                consumer=self._name,
                offset=record.offset,
                error=reason(error),
                **_where(partition),
            )


def reason(error: BaseException) -> str:
    """Return an error as one short text."""
    return f"{type(error).__name__}: {error}".strip().rstrip(":")


def _where(partition: TopicPartition) -> dict[str, str | int]:
    return {"topic": partition.topic, "partition": partition.partition}

"""Applies the records of a poll: in order, retried, halved on failure, until done, dead-lettered or halted.

    RecordApplier.apply_poll            what one poll brought: all of it in one transaction, and where that is not
                                        possible, each partition by itself, beside the others
      RecordApplier.apply_records       one partition in order: a batch that fails is halved, a single record that fails
                                        becomes a dead letter or halts the partition
        RecordApplier._until_committed  one batch: retries it while the failure is not the records' own, and reports

Nothing here raises to FastStream, which would go on with the next records as if these had been handled.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Generic, Protocol, runtime_checkable

import structlog
from aiokafka import TopicPartition

from infra.backoff import Backoff, Pauses
from infra.kafka.consumer import metrics
from infra.kafka.consumer.checkpoints import AppliesTogether, Apply
from infra.kafka.consumer.dead_letters.delivery import Decode, Delivery
from infra.kafka.consumer.dead_letters.writer import DeadLetterWriter, TooManyDeadLetters
from infra.kafka.consumer.liveness import ConsumerProgress
from infra.kafka.consumer.partition_watch import PartitionWatch
from infra.kafka.consumer.retry_policy import is_worth_retrying
from infra.kafka.consumer.selection import Applied, D, Gap
from infra.kafka.consumer.subscription import Record
from infra.logs import bound_context
from infra.process.waiting import wait_for_event
from infra.tracing import FinishedSpan, is_tracing, record_spans

log = structlog.get_logger(__name__)

_APPLY_TIMEOUT_S = 60.0
_RETRY = Backoff(first_s=0.1, longest_s=5.0)


CheckOrigin = Callable[[Sequence[D]], Awaitable[None]]


@runtime_checkable
class Identified(Protocol):
    """A decoded message may have this, for the log line of a record that cannot be applied."""

    @property
    def log_ids(self) -> Mapping[str, str | None]:
        """The ids of `infra.logs.CONTEXT_IDS` that the message knows."""
        ...


@runtime_checkable
class Traced(Protocol):
    """A message that says which trace it belongs to."""

    @property
    def trace(self) -> tuple[str, str | None, Mapping[str, str]]:
        """Its type, its `traceparent`, and what a span of it says."""
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
        parallel: int = 1,
        check_origin: CheckOrigin[D] | None = None,
        dead_letter_writer: DeadLetterWriter[D] | None = None,
    ) -> None:
        """`parallel`: how many partitions are applied at the same time."""
        self._name = name
        self._decode = decode
        self._apply = apply
        self._check_origin = check_origin
        self._progress = progress
        self._stop = stop
        self._parallel = asyncio.Semaphore(parallel)
        self._dead_letter_writer = dead_letter_writer
        self._with_dead_letters: set[TopicPartition] = set()

    async def apply_poll(self, watch: PartitionWatch, records: Mapping[TopicPartition, Sequence[Record]]) -> None:
        """Apply the records of all partitions, in the order of each, as far as it goes.

        While it runs, the next ones gather: the more there is to do, the more goes into one transaction.
        """
        left = await self._apply_together(watch, records)
        await asyncio.gather(*(self.apply_records(watch, partition, records[partition]) for partition in left))

    async def _apply_together(
        self, watch: PartitionWatch, records: Mapping[TopicPartition, Sequence[Record]]
    ) -> Collection[TopicPartition]:
        """Apply what can be applied in one transaction; return the partitions that are left.

        What fails is left too: each partition by itself then finds out which record failed, and whether to retry it.
        """
        if not isinstance(self._apply, AppliesTogether) or len(records) == 1:
            return records.keys()
        batches: dict[TopicPartition, list[Delivery[D]]] = {}
        for partition, group in records.items():
            if partition in self._with_dead_letters or self._progress.is_halted(partition):
                continue
            deliveries = [Delivery.of(record, self._decode) for record in group]
            if all(delivery.error is None for delivery in deliveries):
                batches[partition] = deliveries
        if not batches:
            return records.keys()
        started = time.perf_counter()
        try:
            async with asyncio.timeout(_APPLY_TIMEOUT_S):
                results = await self._commit_together(batches)
        except Exception as error:  # noqa: BLE001 - each partition finds its own again
            log.warning("consumer_poll_divided", consumer=self._name, error=error_text(error), partitions=len(batches))
            return records.keys()
        seconds = time.perf_counter() - started
        for topic in {partition.topic for partition in results}:
            metrics.BATCH_SECONDS.labels(self._name, topic).observe(seconds)
        self._trace([each for partition in results for each in batches[partition]], seconds)
        for partition, applied in results.items():
            try:
                self._report_applied(watch, partition, batches[partition], applied)
            except Exception as error:  # noqa: BLE001 - a fault of this module
                self._halt_on_fault(watch, partition, records[partition][0], error)
        return records.keys() - results.keys()

    async def _commit_together(
        self, batches: Mapping[TopicPartition, Sequence[Delivery[D]]]
    ) -> Mapping[TopicPartition, Applied]:
        assert isinstance(self._apply, AppliesTogether)
        messages = {partition: _messages(deliveries) for partition, deliveries in batches.items()}
        if self._check_origin is not None:
            await self._check_origin([message for each in messages.values() for message in each])
        results = await self._apply.apply_together(messages)
        return {partition: applied for partition, applied in results.items() if not applied.look_at_dead_letters}

    async def apply_records(self, watch: PartitionWatch, partition: TopicPartition, records: Sequence[Record]) -> None:
        """Apply the records of one partition, in order, as far as it goes."""
        async with self._parallel:
            if self._progress.is_halted(partition):
                return
            try:
                waiting = deque(_batches([Delivery.of(record, self._decode) for record in records]))
                while waiting and await self._apply_first(watch, partition, waiting):
                    pass
            except Exception as error:  # noqa: BLE001 - a fault of this module
                self._halt_on_fault(watch, partition, records[0], error)

    async def _apply_first(
        self, watch: PartitionWatch, partition: TopicPartition, waiting: deque[Sequence[Delivery[D]]]
    ) -> bool:
        """Apply the first of the batches that wait, or put its halves in its place; return whether to go on."""
        batch = waiting.popleft()
        error = batch[0].error
        if error is None:
            try:
                return await self._until_committed(watch, partition, batch, lambda: self._apply_batch(partition, batch))
            except Exception as permanent:  # noqa: BLE001 - whatever is not worth trying again
                error = permanent
        if len(batch) == 1:
            return await self._write_dead_letter(watch, partition, batch[0], error)
        log.info("consumer_batch_halved", consumer=self._name, error=error_text(error), **_labels(partition))
        middle = len(batch) // 2
        waiting.extendleft((batch[middle:], batch[:middle]))
        return True

    async def _apply_batch(self, partition: TopicPartition, deliveries: Sequence[Delivery[D]]) -> Applied:
        messages = _messages(deliveries)
        if self._check_origin is not None:
            await self._check_origin(messages)
        if partition not in self._with_dead_letters:
            applied = await self._apply(partition, messages)
            if not applied.look_at_dead_letters:
                return applied
            self._with_dead_letters.add(partition)
        if self._dead_letter_writer is None:
            raise LookupError("there are dead letters, and this consumer was made without a writer of them")
        applied = await self._dead_letter_writer.apply(partition, deliveries)
        if not applied.look_at_dead_letters:
            self._with_dead_letters.discard(partition)
        return applied

    async def _write_dead_letter(
        self, watch: PartitionWatch, partition: TopicPartition, delivery: Delivery[D], error: Exception
    ) -> bool:
        """Make a record a dead letter, unless it can be applied now; else halt the partition."""
        writer = self._dead_letter_writer
        if writer is not None:
            try:
                return await self._until_committed(
                    watch, partition, [delivery], lambda: writer.dead_letter(partition, delivery)
                )
            except TooManyDeadLetters as too_many:
                error = too_many
        self._halt(watch, partition, delivery.record, error, delivery.message)
        return False

    async def _until_committed(
        self,
        watch: PartitionWatch,
        partition: TopicPartition,
        deliveries: Sequence[Delivery[D]],
        attempt: Callable[[], Awaitable[Applied]],
    ) -> bool:
        """Attempt it until it is committed; return whether all of the records are done. Raises permanent errors.

        Gives up when the process stops or the partition is no longer ours.
        """
        pauses = Pauses(_RETRY)
        while True:
            started = time.perf_counter()
            try:
                async with asyncio.timeout(_APPLY_TIMEOUT_S):
                    applied = await attempt()
                break
            except Exception as error:
                if not is_worth_retrying(error):
                    raise
                self._report_retry(partition, error)
            await wait_for_event(self._stop, timeout_s=pauses.failed())
            if self._stop.is_set() or not watch.is_ours(partition):
                return False
        seconds = time.perf_counter() - started
        metrics.BATCH_SECONDS.labels(self._name, partition.topic).observe(seconds)
        self._trace(deliveries, seconds)
        return self._report_applied(watch, partition, deliveries, applied)

    def _trace(self, deliveries: Sequence[Delivery[D]], seconds: float) -> None:
        """Make a span of each event that says what trace it belongs to, once it is applied."""
        if is_tracing():
            messages: list[object] = [each.message for each in deliveries]
            traces = [each.trace for each in messages if isinstance(each, Traced)]
            record_spans(
                (
                    FinishedSpan(f"{self._name} {event_type}", traceparent, {"messaging.system": "kafka", **about})
                    for event_type, traceparent, about in traces
                ),
                kind="consumer",
                began=datetime.now(UTC) - timedelta(seconds=seconds),
            )

    def _report_applied(
        self, watch: PartitionWatch, partition: TopicPartition, deliveries: Sequence[Delivery[D]], applied: Applied
    ) -> bool:
        metrics.APPLIED.labels(self._name, partition.topic).inc(applied.applied)
        metrics.DROPPED.labels(self._name, partition.topic, "seen").inc(applied.dropped)
        watch.mark_done(
            partition,
            next_offset=deliveries[-1].record.offset + 1 if applied.gap is None else None,
            moved=applied.applied > 0,
            proves=any(delivery.is_placed for delivery in deliveries),
        )
        if applied.gap is not None:
            left = len(deliveries) - applied.applied - applied.held - applied.dropped
            metrics.DROPPED.labels(self._name, partition.topic, "after_gap").inc(left)
            self._search_gap(watch, partition, applied.gap)
            return False
        self._progress.applied(partition)
        return True

    def _report_retry(self, partition: TopicPartition, error: Exception) -> None:
        metrics.FAILURES.labels(self._name, partition.topic, "transient").inc()
        self._progress.failing(partition, error_text(error))
        log.warning("consumer_retries", consumer=self._name, error=error_text(error), **_labels(partition))

    def _search_gap(self, watch: PartitionWatch, partition: TopicPartition, gap: Gap) -> None:
        self._progress.failing(partition, f"events after position {gap.checkpoint} are missing")
        if not watch.search_gap(partition, after=gap.checkpoint):
            return
        metrics.GAPS.labels(self._name, partition.topic).inc()
        log.warning(
            "consumer_gap",
            consumer=self._name,
            checkpoint=gap.checkpoint,
            previous_position=gap.previous_position,
            position=gap.position,
            **_labels(partition),
        )

    def _halt_on_fault(
        self, watch: PartitionWatch, partition: TopicPartition, record: Record, error: Exception
    ) -> None:
        """Halt for a fault of this module: what was not applied must not be passed over."""
        log.error("consumer_failed", consumer=self._name, exc_info=error, **_labels(partition))
        self._halt(watch, partition, record, error, None)

    def _halt(
        self, watch: PartitionWatch, partition: TopicPartition, record: Record, error: Exception, message: D | None
    ) -> None:
        metrics.FAILURES.labels(self._name, partition.topic, "permanent").inc()
        self._progress.halt(partition, f"offset {record.offset}: {error_text(error)}")
        metrics.HALTED.labels(self._name).set(self._progress.halted)
        watch.pause(partition)
        with bound_context(**(message.log_ids if isinstance(message, Identified) else {})):
            log.error(
                "consumer_partition_halted",
                consumer=self._name,
                offset=record.offset,
                error=error_text(error),
                **_labels(partition),
            )


def error_text(error: BaseException) -> str:
    """Return an error as one short text."""
    return f"{type(error).__name__}: {error}".strip().rstrip(":")


def _messages(deliveries: Sequence[Delivery[D]]) -> list[D]:
    return [delivery.message for delivery in deliveries if delivery.message is not None]


def _batches(deliveries: Sequence[Delivery[D]]) -> Iterator[Sequence[Delivery[D]]]:
    """Divide records into those that follow each other and were decoded, and each other one alone."""
    for is_decoded, group in groupby(deliveries, key=lambda delivery: delivery.error is None):
        if is_decoded:
            yield list(group)
        else:
            yield from ([delivery] for delivery in group)


def _labels(partition: TopicPartition) -> dict[str, str | int]:
    return {"topic": partition.topic, "partition": partition.partition}

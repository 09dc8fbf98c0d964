"""What happens to a partition's records: decode, apply, try again, go back after a gap, stand still.

Nothing here raises to FastStream, which would go on with the next records as if these had been dealt with.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, Protocol, runtime_checkable

import structlog
from aiokafka import TopicPartition

from infra.kafka import consumer_metrics as metrics
from infra.kafka.checkpoints import Applied, Apply, D, Gap
from infra.kafka.liveness import Progress
from infra.kafka.partition_watch import PartitionWatch
from infra.kafka.subscription import Record
from infra.kafka.transient import is_transient
from infra.logs import bound_context

log = structlog.get_logger(__name__)

Headers = Iterable[tuple[str, bytes | None]]
Decode = Callable[[bytes | None, Headers], D]

_APPLY_TIMEOUT_S = 60.0
_BACKOFF_S = (0.1, 5.0)


@runtime_checkable
class Identified(Protocol):
    """A decoded message may have this, for the log line of a record that cannot be applied."""

    @property
    def log_ids(self) -> Mapping[str, str | None]:
        """The ids of `infra.logs.CONTEXT_IDS` that the message knows."""
        ...


class RecordApplier(Generic[D]):
    """Applies records for one consumer; whatever cannot be applied leaves its partition where it is."""

    def __init__(
        self, *, name: str, decode: Decode[D], apply: Apply[D], progress: Progress, stop: asyncio.Event
    ) -> None:
        self._name = name
        self._decode = decode
        self._apply = apply
        self._progress = progress
        self._stop = stop

    async def take(self, watch: PartitionWatch, partition: TopicPartition, records: Sequence[Record]) -> None:
        """Deal with the records of one partition, in order."""
        if self._progress.is_stopped(partition):
            return
        try:
            await self._take(watch, partition, records)
        except Exception as error:
            # A fault of this module. What was not applied must not be passed over.
            log.exception("consumer_failed", consumer=self._name, **_where(partition))
            self._stand_still(watch, partition, records[0], error, None)

    async def _take(self, watch: PartitionWatch, partition: TopicPartition, records: Sequence[Record]) -> None:
        messages, undecodable = self._decode_until_fault(records)
        if messages and not await self._apply_or_find_fault(watch, partition, records, messages):
            return
        if undecodable is not None:
            self._stand_still(watch, partition, records[len(messages)], undecodable, None)

    def _decode_until_fault(self, records: Sequence[Record]) -> tuple[list[D], Exception | None]:
        messages: list[D] = []
        for record in records:
            try:
                messages.append(self._decode(record.value, record.headers))
            except Exception as error:  # noqa: BLE001 - whatever a decoder raises, the record is at fault
                return messages, error
        return messages, None

    async def _apply_or_find_fault(
        self, watch: PartitionWatch, partition: TopicPartition, records: Sequence[Record], messages: list[D]
    ) -> bool:
        """Apply a batch; one that fails for good is applied message by message, to find the one at fault.

        Returns whether all of it is done, so that what comes next may be looked at.
        """
        batches = [(records, messages)]
        if len(messages) > 1:
            try:
                return await self._apply_batch(watch, partition, records, messages)
            except Exception:
                log.exception("consumer_batch_failed", consumer=self._name, **_where(partition))
            batches = [([record], [message]) for record, message in zip(records, messages, strict=False)]
        for some_records, some_messages in batches:
            try:
                if not await self._apply_batch(watch, partition, some_records, some_messages):
                    return False
            except Exception as error:  # noqa: BLE001 - whatever is not transient
                self._stand_still(watch, partition, some_records[0], error, some_messages[0])
                return False
        return True

    async def _apply_batch(
        self, watch: PartitionWatch, partition: TopicPartition, records: Sequence[Record], messages: list[D]
    ) -> bool:
        """Apply, as often as it takes. False: not done, or not all of it. Raises what is permanent."""
        applied = await self._apply_until_done(watch, partition, messages)
        if applied is None:
            return False
        metrics.APPLIED.labels(self._name, partition.topic).inc(applied.applied)
        metrics.DROPPED.labels(self._name, partition.topic, "seen").inc(applied.dropped)
        watch.handled(
            partition,
            next_offset=records[len(messages) - 1].offset + 1 if applied.gap is None else None,
            moved=applied.applied > 0,
        )
        if applied.gap is not None:
            left = len(messages) - applied.applied - applied.dropped
            metrics.DROPPED.labels(self._name, partition.topic, "after_gap").inc(left)
            self._search(watch, partition, applied.gap)
            return False
        self._progress.applied(partition)
        return True

    async def _apply_until_done(
        self, watch: PartitionWatch, partition: TopicPartition, messages: list[D]
    ) -> Applied | None:
        """Return None when the process stops, or the partition is no longer ours."""
        delay, longest = _BACKOFF_S
        while True:
            started = time.perf_counter()
            try:
                async with asyncio.timeout(_APPLY_TIMEOUT_S):
                    applied = await self._apply(partition, messages)
            except Exception as error:
                if not is_transient(error):
                    raise
                self._retrying(partition, error)
            else:
                seconds = time.perf_counter() - started
                metrics.BATCH_SECONDS.labels(self._name, partition.topic).observe(seconds)
                return applied
            await sleep_unless(self._stop, delay)
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

    def _stand_still(
        self, watch: PartitionWatch, partition: TopicPartition, record: Record, error: Exception, message: D | None
    ) -> None:
        metrics.FAILURES.labels(self._name, partition.topic, "permanent").inc()
        self._progress.stop(partition, f"offset {record.offset}: {reason(error)}")
        metrics.STOPPED.labels(self._name).set(self._progress.stopped)
        watch.pause(partition)
        with bound_context(**(message.log_ids if isinstance(message, Identified) else {})):
            log.error(
                "consumer_partition_stopped",
                consumer=self._name,
                offset=record.offset,
                error=reason(error),
                **_where(partition),
            )


async def sleep_unless(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, but return at once when `stop` is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def reason(error: BaseException) -> str:
    """Return an error as one short text."""
    return f"{type(error).__name__}: {error}".strip().rstrip(":")


def _where(partition: TopicPartition) -> dict[str, str | int]:
    return {"topic": partition.topic, "partition": partition.partition}

"""Looks at the assigned partitions twice a second: lag, offsets to commit, and logs replaced under us.

A broker that comes back empty and is refilled puts other events at the offsets we know. Delivered events
tell by their `previous_position`; this watch makes sure that one is delivered:

- a position beyond the partition's end: read it again from the beginning;
- a position at the end, and nothing delivered since we got the partition or Kafka came back: step back,
  further each time, until a record (not a transaction marker) shows where we stand. It also finds a
  database that was restored or emptied while the group's offsets stayed.
"""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from infra.kafka import consumer_metrics as metrics
from infra.kafka.liveness import Progress
from infra.kafka.subscription import Subscription

log = structlog.get_logger(__name__)

_LOOK_TIMEOUT_S = 3.0
_COMMIT_TIMEOUT_S = 1.5
_COMMIT_EVERY_S = 1.0
_READ_AGAIN_EVERY_S = 10.0


@dataclass(kw_only=True, slots=True)
class _Partition:
    verified: bool = False  # a record has shown that our position and the log belong together
    step_back: int = 2
    next_offset: int | None = None  # to be committed
    gap_after: int | None = None  # the checkpoint after which events were missing, and
    read_again_at: float = 0.0  # when the partition may be read from its beginning once more for them


class PartitionWatch:
    """What is known of one subscription's partitions."""

    def __init__(self, subscription: Subscription, name: str, progress: Progress) -> None:
        self._subscription = subscription
        self._name = name
        self._progress = progress
        self._partitions: dict[TopicPartition, _Partition] = {}
        self._committed_at = 0.0

    def assigned(self) -> None:
        """Forget everything: the group starts us at its committed offsets."""
        for partition in self._partitions:
            metrics.LAG.remove(self._name, partition.topic, str(partition.partition))
        self._partitions.clear()

    def is_ours(self, partition: TopicPartition) -> bool:
        """Whether the partition is assigned to this member now."""
        return partition in self._subscription.assignment

    def handled(self, partition: TopicPartition, *, next_offset: int | None, moved: bool) -> None:
        """Note that all records before `next_offset`, if given, are done; `moved`: the checkpoint went on."""
        state = self._state(partition)
        state.verified = True
        state.next_offset = next_offset or state.next_offset
        if moved:
            state.gap_after = None

    def missing(self, partition: TopicPartition, *, after: int) -> bool:
        """Look for the events after the checkpoint `after`: from the partition's beginning, once.

        If they are not there, they may still come: what follows is read on (and dropped by whoever called),
        and at the end of the partition the search is repeated from time to time. Returns whether they are
        news.
        """
        state = self._state(partition)
        if state.gap_after == after:
            return False
        state.gap_after = after
        state.read_again_at = 0.0
        self.pause(partition)  # until the next look
        return True

    def pause(self, partition: TopicPartition) -> None:
        """Stop fetching the partition."""
        if self.is_ours(partition):
            self._subscription.consumer.pause(partition)

    async def look(self) -> str | None:
        """Measure and mend; return why Kafka seems to be away, or None."""
        try:
            async with asyncio.timeout(_LOOK_TIMEOUT_S):
                waiting = await self._look()
        except IllegalStateError:
            return None  # a rebalance took a partition in the middle of the look
        except (KafkaError, OSError, TimeoutError) as error:
            for state in self._partitions.values():
                state.verified = False
            return f"{type(error).__name__}: {error}".rstrip(": ")
        self._progress.kafka_answers(waiting=waiting)
        if time.monotonic() - self._committed_at > _COMMIT_EVERY_S:
            await self.commit()
        return None

    async def commit(self) -> None:
        """Commit what is handled. A failure only means that more is delivered again after the next start."""
        offsets = {
            partition: state.next_offset
            for partition, state in self._partitions.items()
            if state.next_offset is not None and self.is_ours(partition)
        }
        self._committed_at = time.monotonic()
        if not offsets:
            return
        try:
            async with asyncio.timeout(_COMMIT_TIMEOUT_S):
                await self._subscription.consumer.commit(offsets)
        except (KafkaError, OSError, TimeoutError) as error:
            log.info("consumer_offsets_not_committed", consumer=self._name, error=repr(error))
            return
        for partition, offset in offsets.items():
            if (state := self._partitions.get(partition)) and state.next_offset == offset:
                state.next_offset = None

    async def _look(self) -> int:
        consumer = self._subscription.consumer
        partitions = sorted(self._subscription.assignment)
        if not partitions:
            await consumer.topics()
            return 0
        # Positions first: an end that was read before would be behind a position that moved meanwhile.
        positions = {partition: await consumer.position(partition) for partition in partitions}
        asked = await consumer.end_offsets(partitions)
        ends = {partition: self._end(partition, asked[partition]) for partition in partitions}
        for partition in partitions:
            await self._mend(partition, positions[partition], ends[partition])
        return sum(self._lags(positions, ends))

    def _end(self, partition: TopicPartition, asked: int) -> int:
        """Return the partition's end as the newest fetch answered it; as `asked` while there was none.

        Tansu (0.6) answers the question for the end with the offset after the *first* record of the last batch, and
        with 1 for some that are empty: a reader would seem to be beyond the end, or never to reach it.
        """
        if not self.is_ours(partition):
            return asked  # a rebalance came in between: the consumer would not say
        consumer = self._subscription.consumer
        fetched, stable = consumer.highwater(partition), consumer.last_stable_offset(partition)
        if fetched is None:
            return asked
        return int(stable if stable is not None and stable >= 0 else fetched)

    def _lags(self, positions: dict[TopicPartition, int], ends: dict[TopicPartition, int]) -> Iterable[int]:
        for partition, position in positions.items():
            lag = max(0, ends[partition] - position)
            metrics.LAG.labels(self._name, partition.topic, str(partition.partition)).set(lag)
            yield lag

    async def _mend(self, partition: TopicPartition, position: int, end: int) -> None:
        consumer = self._subscription.consumer
        state = self._state(partition)
        now = time.monotonic()
        if self._progress.is_stopped(partition):
            return
        searching = state.gap_after is not None
        if searching and (state.read_again_at == 0.0 or position == end) and now >= state.read_again_at:
            state.read_again_at = now + _READ_AGAIN_EVERY_S
            await consumer.seek_to_beginning(partition)
            consumer.resume(partition)
        elif position > end:
            log.warning(
                "consumer_log_replaced",
                consumer=self._name,
                topic=partition.topic,
                partition=partition.partition,
                position=position,
                end=end,
            )
            await consumer.seek_to_beginning(partition)
        elif position == end and not state.verified:
            # Below the log's beginning Kafka answers "out of range" and the consumer starts at the beginning.
            start = max(0, end - state.step_back)
            state.step_back *= 4
            state.verified = start == 0
            consumer.seek(partition, start)

    def _state(self, partition: TopicPartition) -> _Partition:
        return self._partitions.setdefault(partition, _Partition())

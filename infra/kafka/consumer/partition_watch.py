"""Checks the assigned partitions twice a second: lag, offsets to commit, and topics that were replaced meanwhile.

A broker that comes back empty and is refilled has other events at the offsets we know. A delivered event shows that
by its `previous_position`; this watch makes sure that one is delivered:

- a position beyond the partition's end: read it again from the beginning;
- a position at the end, and nothing delivered since we got the partition or Kafka came back: step back,
  further each time, until a record (not a transaction marker) shows whether position and topic belong together. This
  also finds a database that was restored or emptied while the group's offsets stayed (`verify_again`: while we ran).
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from infra.backoff import Backoff, Pauses
from infra.kafka.consumer import metrics
from infra.kafka.consumer.lag import Lag
from infra.kafka.consumer.liveness import ConsumerProgress
from infra.kafka.consumer.subscription import Record, Subscription

log = structlog.get_logger(__name__)

_CHECK_TIMEOUT_S = 3.0
_COMMIT_TIMEOUT_S = 1.5
_COMMIT_EVERY_S = 1.0
_COMMIT_AGAIN = Backoff(first_s=2.0, longest_s=30.0)  # a request that is given up stays behind in aiokafka
_FROZEN_S = 3.0
_READ_AGAIN_EVERY_S = 10.0
_FETCH_IS_FRESH_S = 5.0
_STEP_BACK = 2


@dataclass(kw_only=True, slots=True)
class _Partition:
    verified: bool = False  # a record has shown that our position and the log belong together
    step_back: int = _STEP_BACK
    delivered: Sequence[Record] = ()  # to whoever applies them; our position is behind them already
    done: int = 0  # of those
    next_offset: int | None = None  # to be committed
    gap_after: int | None = None  # the checkpoint after which events were missing, and
    read_again_at: float = 0.0  # when the partition may be read from its beginning once more for them

    @property
    def in_hand(self) -> int | None:
        """The offset of the first record that was delivered and is not dealt with."""
        return self.delivered[self.done].offset if self.done < len(self.delivered) else None

    def drop_delivered(self) -> None:
        """Forget what was delivered: it comes again, or others in its place."""
        self.delivered, self.done = (), 0


class PartitionWatch:
    """What is known of one subscription's partitions."""

    def __init__(self, subscription: Subscription, name: str, progress: ConsumerProgress, *, group: str) -> None:
        self._subscription = subscription
        self._name = name
        self._progress = progress
        self._lag = Lag(group=group, consumer=name)
        self._partitions: dict[TopicPartition, _Partition] = {}
        self._commit_at = 0.0
        self._commit_pauses = Pauses(_COMMIT_AGAIN)
        self._checked_at = time.monotonic()
        self._stable = True

    def assigned(self, *, stable: bool) -> None:
        """Forget everything: the group starts us at its committed offsets, or (not `stable`) is about to."""
        self._stable = stable
        self._lag.forget()
        self._partitions.clear()

    def verify_again(self) -> None:
        """Verify again that our positions and the checkpoints belong together: the database may have gone back."""
        for state in self._partitions.values():
            state.verified, state.step_back = False, _STEP_BACK

    def is_ours(self, partition: TopicPartition) -> bool:
        """Whether the partition is assigned to this member now."""
        return partition in self._subscription.assignment

    def delivered(self, partition: TopicPartition, records: Sequence[Record]) -> None:
        """Note that these records are about to be applied: our position has passed them, the lag has not."""
        state = self._state(partition)
        # While the partition is halted or searched, the first record that is not done stays, unless it is read again.
        if state.in_hand is None or records[0].offset < state.in_hand:
            state.delivered, state.done = records, 0

    def mark_done(
        self, partition: TopicPartition, *, next_offset: int | None, moved: bool, proves: bool = True
    ) -> None:
        """Note that all records before `next_offset`, if given, are done; `moved`: the checkpoint went on.

        `proves` False: they were no events, and say nothing of where our position stands in the log.
        """
        state = self._state(partition)
        if proves:
            state.verified = True
            state.step_back = _STEP_BACK
        if moved:
            state.gap_after = None
        if next_offset is None or (not proves and state.gap_after is not None):
            return
        state.next_offset = next_offset
        before = state.done
        while state.in_hand is not None and state.in_hand < next_offset:
            state.done += 1
        if state.done > before:
            self._lag.applied(partition, state.delivered[state.done - 1].timestamp)

    def search_gap(self, partition: TopicPartition, *, after: int) -> bool:
        """Search for the events after the checkpoint `after`: from the partition's beginning, once.

        If they are not there, they may still come: what follows is read on (and dropped by the caller), and at the end
        of the partition the search is repeated from time to time. Returns whether this search is a new one.
        """
        state = self._state(partition)
        if state.gap_after == after:
            return False
        state.gap_after = after
        state.read_again_at = 0.0
        self.pause(partition)  # until the next check
        return True

    def pause(self, partition: TopicPartition) -> None:
        """Stop fetching the partition."""
        if self.is_ours(partition):
            self._subscription.consumer.pause(partition)

    async def check(self) -> str | None:
        """Measure, commit and correct our positions; return why Kafka seems to be away, or None."""
        frozen = time.monotonic() - self._checked_at > _FROZEN_S
        try:
            async with asyncio.timeout(_CHECK_TIMEOUT_S):
                waiting = await self._check()
        except IllegalStateError:
            return None  # a rebalance took a partition during the check
        except (KafkaError, OSError, TimeoutError) as error:
            for state in self._partitions.values():
                state.verified = False
            self._lag.unknown()
            return f"{type(error).__name__}: {error}".rstrip(": ")
        finally:
            self._checked_at = time.monotonic()
        self._progress.kafka_answers(waiting=waiting)
        if not frozen and time.monotonic() > self._commit_at:
            await self.commit()
            self._checked_at = time.monotonic()
        return None

    async def commit(self) -> None:
        """Commit what is handled. A failure only means that more is delivered again after the next start.

        Nothing while the group rebalances, and `check` asks for none after we were frozen: a refusal ("unknown member")
        would make aiokafka forget in the middle of joining who it is, and the member that it was holds the group up
        until its session ends.
        """
        offsets = {
            partition: state.next_offset
            for partition, state in self._partitions.items()
            if state.next_offset is not None and self.is_ours(partition)
        }
        self._commit_at = time.monotonic() + _COMMIT_EVERY_S
        if not offsets or not self._stable:
            return
        try:
            async with asyncio.timeout(_COMMIT_TIMEOUT_S):
                await self._subscription.consumer.commit(offsets)
        except (KafkaError, OSError, TimeoutError) as error:
            self._commit_at = time.monotonic() + self._commit_pauses.failed()
            log.info("consumer_offsets_not_committed", consumer=self._name, error=repr(error))
            return
        self._commit_pauses.succeeded()
        for partition, offset in offsets.items():
            if (state := self._partitions.get(partition)) and state.next_offset == offset:
                state.next_offset = None

    async def _check(self) -> int:
        consumer = self._subscription.consumer
        partitions = sorted(self._subscription.assignment)
        self._progress.keep_only(partitions)
        metrics.HALTED.labels(self._name).set(self._progress.halted)
        if not partitions:
            await consumer.topics()
            return 0
        # Positions first: an end that was read before would be behind a position that moved meanwhile.
        positions = {partition: await consumer.position(partition) for partition in partitions}
        in_hand = {partition: self._state(partition).in_hand for partition in partitions}
        answered = await consumer.end_offsets(partitions)
        waiting = 0
        for partition, position in positions.items():
            end, furthest = self._ends(partition, answered[partition])
            await self._reposition(partition, position, end, furthest)
            if not self._stable or not self.is_ours(partition):
                return waiting  # a rebalance came in between: these measurements are another member's
            reached = in_hand[partition]
            lag = max(0, end - (position if reached is None else reached))
            self._lag.measured(partition, lag)
            waiting += lag
        return waiting

    def _ends(self, partition: TopicPartition, answered: int) -> tuple[int, int]:
        """Return where the partition ends for who reads committed records, and the furthest that anything says.

        The newest fetch is believed before what was `answered` to the request for end offsets: Tansu (0.6) answers that
        with the offset after the *first* record of the last batch, and with 1 for some that are empty, so that a reader
        would seem to be beyond the end, or never to reach it. An old fetch proves nothing: what fetches may have died.
        """
        if not self.is_ours(partition):
            return answered, answered  # a rebalance came in between: the consumer would not say
        consumer = self._subscription.consumer
        fetched, stable = consumer.highwater(partition), consumer.last_stable_offset(partition)
        if fetched is None:
            return answered, answered
        end = int(stable if stable is not None and stable >= 0 else fetched)
        furthest = max(end, answered)
        is_fresh = time.time() - consumer.last_poll_timestamp(partition) / 1000 < _FETCH_IS_FRESH_S
        return end if is_fresh else furthest, furthest

    async def _reposition(self, partition: TopicPartition, position: int, end: int, furthest: int) -> None:
        consumer = self._subscription.consumer
        state = self._state(partition)
        now = time.monotonic()
        if self._progress.is_halted(partition):
            return
        searching = state.gap_after is not None
        if searching and (state.read_again_at == 0.0 or position == end) and now >= state.read_again_at:
            state.read_again_at = now + _READ_AGAIN_EVERY_S
            state.drop_delivered()
            await consumer.seek_to_beginning(partition)
            consumer.resume(partition)
        elif position > furthest:  # not `end`: a new leader learns only from its followers what is committed
            log.warning(
                "consumer_log_replaced",
                consumer=self._name,
                topic=partition.topic,
                partition=partition.partition,
                position=position,
                end=furthest,
            )
            state.drop_delivered()
            await consumer.seek_to_beginning(partition)
        elif position == end and not state.verified and state.in_hand is None:
            # Below the log's beginning Kafka answers "out of range" and the consumer starts at the beginning.
            start = max(0, end - state.step_back)
            state.step_back *= 4
            state.verified = start == 0
            consumer.seek(partition, start)

    def _state(self, partition: TopicPartition) -> _Partition:
        return self._partitions.setdefault(partition, _Partition())

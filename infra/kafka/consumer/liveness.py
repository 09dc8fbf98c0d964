"""Whether a batch consumer is live and ready, judged by its progress: a ping would not notice a dead consumer.

Not live: a partition is halted, or there is work and no batch was finished for too long although
Kafka answers. Not ready: not in the group, Kafka away, or the last attempt to apply a batch failed.
"""

import time
from collections.abc import Callable, Collection

from aiokafka import TopicPartition

from infra.process.health import DependencyMissing, Unhealthy


class ConsumerProgress:
    """Collects what the consumer sees; `check_live` and `check_ready` raise Unhealthy.

    `stall_after_s`: seconds without a finished batch, while records wait, after which the consumer is not
    live.
    """

    def __init__(self, *, stall_after_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._stall_after_s = stall_after_s
        self._clock = clock
        self._moved_at = self._watched_at = clock()
        self._waiting = 0
        self._kafka: str | None = "not connected yet"
        self._joined = False
        self._outside_since = self._moved_at
        self._failing: dict[TopicPartition, str] = {}
        self._halted: dict[TopicPartition, str] = {}

    @property
    def halted(self) -> int:
        """How many partitions are halted."""
        return len(self._halted)

    def joined(self, *, assigned: bool) -> None:
        """Note that the group gave us our partitions (or took them). What was said of them is void."""
        if self._joined and not assigned:
            self._outside_since = self._clock()
        self._joined = assigned
        self._failing.clear()
        self._halted.clear()
        self._moved_at = self._clock()

    def applied(self, partition: TopicPartition) -> None:
        """Note that a batch was finished."""
        self._failing.pop(partition, None)
        self._moved_at = self._clock()

    def failing(self, partition: TopicPartition, reason: str) -> None:
        """Note a failure that is being tried again: the consumer is not ready, but it is not stuck either."""
        self._failing[partition] = reason
        self._moved_at = self._clock()

    def halt(self, partition: TopicPartition, reason: str) -> None:
        """Note that a partition is halted, for good."""
        self._halted[partition] = reason

    def keep_only(self, partitions: Collection[TopicPartition]) -> None:
        """Forget what was said of partitions that are not ours: a batch may end after they were taken away."""
        for reasons in (self._failing, self._halted):
            for partition in reasons.keys() - set(partitions):
                del reasons[partition]

    def kafka_answers(self, *, waiting: int) -> None:
        """Note a successful look at Kafka and how many records wait there for us."""
        self._watched_at = self._clock()
        self._kafka = None
        if waiting == 0 or self._waiting == 0:
            self._moved_at = self._clock()
        self._waiting = waiting

    def kafka_away(self, reason: str) -> bool:
        """Note that Kafka does not answer: nothing is expected to move. Return whether the reason is a new one."""
        self._watched_at = self._moved_at = self._clock()
        known, self._kafka = self._kafka, reason
        return known != reason

    def is_halted(self, partition: TopicPartition) -> bool:
        """Whether the partition is halted."""
        return partition in self._halted

    def outside_group_for(self) -> float:
        """Return for how many seconds we have been without an assignment (an empty one counts as one)."""
        return 0.0 if self._joined else self._clock() - self._outside_since

    def stalled_for(self) -> float:
        """Return for how many seconds records have waited without a finished batch."""
        return self._clock() - self._moved_at if self._waiting else 0.0

    async def check_live(self) -> None:
        """Raise Unhealthy when only a restart, or a person, can help."""
        for partition, reason in self._halted.items():
            raise Unhealthy(f"{partition.topic}/{partition.partition} is halted: {reason}")
        if self.stalled_for() > self._stall_after_s:
            raise Unhealthy(f"no batch finished for {self.stalled_for():.0f} s, {self._waiting} records wait")
        silent = self._clock() - self._watched_at
        if silent > self._stall_after_s:
            raise Unhealthy(f"the consumer has not looked at Kafka for {silent:.0f} s")

    async def check_ready(self) -> None:
        """Raise Unhealthy while events cannot be applied."""
        await self.check_live()
        if self._kafka is not None:
            raise DependencyMissing(f"Kafka: {self._kafka}")
        if not self._joined:
            raise Unhealthy("waiting for the consumer group")
        for partition, reason in self._failing.items():
            raise Unhealthy(f"{partition.topic}/{partition.partition} is tried again: {reason}")

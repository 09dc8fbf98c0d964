"""The metrics of how far behind this member is, per partition.

Events: records that are committed in the partition and that this member has not dealt with; what it has in hand
counts. Seconds: how long ago the member was known to have dealt with everything there was.
"""

import time
from collections.abc import Callable

from aiokafka import TopicPartition

from infra.kafka.consumer import metrics


class Lag:
    """The lag gauges of one member's partitions; a partition that is taken away takes its gauges with it."""

    def __init__(self, *, group: str, consumer: str, clock: Callable[[], float] = time.time) -> None:
        """`clock` is the wall clock: it is compared with the timestamps of records, in seconds."""
        self._group = group
        self._consumer = consumer
        self._clock = clock
        self._began_at: dict[TopicPartition, float] = {}
        self._up_to_date_at: dict[TopicPartition, float] = {}

    def applied(self, partition: TopicPartition, timestamp_ms: int) -> None:
        """Note the timestamp of the last record that is done: what came before it is done too."""
        self._set_up_to_date(partition, timestamp_ms / 1000)

    def measured(self, partition: TopicPartition, events: int) -> None:
        """Show how many records the member lacks."""
        if events == 0:
            self._set_up_to_date(partition, self._clock())
        metrics.LAG_EVENTS.labels(*self._labels(partition)).set(events)
        self._show_seconds(partition, at_the_end=events == 0)

    def unknown(self) -> None:
        """Kafka does not answer: the events keep their number, the seconds go on."""
        for partition in self._began_at:
            self._show_seconds(partition, at_the_end=False)

    def forget(self) -> None:
        """Show nothing: the partitions are no longer ours, and whoever has them shows their lag."""
        for partition in self._began_at:
            metrics.LAG_EVENTS.remove(*self._labels(partition))
            metrics.LAG_SECONDS.remove(*self._labels(partition))
        self._began_at.clear()
        self._up_to_date_at.clear()

    def _set_up_to_date(self, partition: TopicPartition, moment: float) -> None:
        self._up_to_date_at[partition] = max(moment, self._up_to_date_at.get(partition, 0.0))

    def _show_seconds(self, partition: TopicPartition, *, at_the_end: bool) -> None:
        now = self._clock()
        # Before the first record nothing is known but since when we have not got further.
        began_at = self._began_at.setdefault(partition, now)
        behind = 0.0 if at_the_end else now - self._up_to_date_at.get(partition, began_at)
        metrics.LAG_SECONDS.labels(*self._labels(partition)).set(max(0.0, behind))

    def _labels(self, partition: TopicPartition) -> tuple[str, str, str, str]:
        return self._group, self._consumer, partition.topic, str(partition.partition)

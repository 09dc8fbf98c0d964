"""The runtime of every Kafka consumer: batches per partition, in order, applied once.

    apply = checkpointed(pool, "stripe-gateway", effects)
    consumer = BatchConsumer(
        settings, topics=["paystream.payment"], consumer="stripe-gateway", decode=from_kafka, apply=apply,
        dead_letters=DeadLetters(checkpointed=apply, topic_of=dead_letter_topic),
    )
    consumer.register(runtime.health)
    await consumer.run(runtime.stop)  # survives Kafka and Postgres being away

`decode(value, headers)` makes of a raw record a message with `position`, `previous_position` and `stream`.
`apply(partition, messages)` commits the effects and the checkpoint in ONE Postgres transaction and says
what it did; `infra.kafka.consumer.checkpoints.checkpointed` makes such a function. Then, and only as a hint where to
start next time, the Kafka offset is committed. What the runtime promises:

- a partition's messages come in order, one batch at a time. All that a poll brought is one transaction, if `apply` can
  do that (`AppliesTogether`); else, and where that fails, partitions run side by side (`parallel`);
- a failure that is not the record's own (`infra.kafka.consumer.retry_policy`) is tried again with
  back-off for as long as it takes, not ready meanwhile; nothing is skipped or committed past;
- events missing before a delivered one (`Applied.gap`: the broker was wiped) make it read the partition again
  from its beginning; the checkpoint drops what is known;
- a record that can never be applied becomes a dead letter (`infra.kafka.consumer.dead_letters`), and its partition goes
  on. After many in a row without one success, or without `dead_letters`, the partition is halted:
  logged, counted, not live. The good ones before it are applied;
- it judges itself by progress (`check_live`, `check_ready`), and replaces a Kafka client that stays broken.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Generic

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from infra.backoff import Backoff, Pauses
from infra.kafka.consumer import metrics
from infra.kafka.consumer.checkpoints import Apply
from infra.kafka.consumer.dead_letters.delivery import Decode
from infra.kafka.consumer.dead_letters.worker import DeadLetters, DeadLetterWorker
from infra.kafka.consumer.dead_letters.writer import DeadLetterWriter
from infra.kafka.consumer.liveness import ConsumerProgress
from infra.kafka.consumer.own_log import EpochWatch, OwnLog
from infra.kafka.consumer.partition_watch import PartitionWatch
from infra.kafka.consumer.record_applier import RecordApplier, error_text
from infra.kafka.consumer.selection import D
from infra.kafka.consumer.subscription import Record, Subscription
from infra.kafka.topics import KafkaUnavailable, TopicsMissing, require_topics
from infra.process.health import Health
from infra.process.pacing import Pacing
from infra.process.waiting import wait_for_event
from infra.settings.kafka import KafkaSettings

log = structlog.get_logger(__name__)

_START_TIMEOUT_S = 40.0  # a member that died holds a join up until its session ends
_DRAIN_S = 3.5
_LEAVE_TIMEOUT_S = 2.0  # with the drain and the last commit (1.5 s) below the 8 s that a process has to stop
_WATCH_EVERY_S = 0.5
_RESTART = Backoff(first_s=0.2, longest_s=5.0)
_REBUILD_AFTER_S = 20.0
_IDLE_AFTER_S = 2.0


class BatchConsumer(Generic[D]):
    """One member of the consumer group `group_id` (by default the consumer's name)."""

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        topics: Sequence[str],
        consumer: str,
        decode: Decode[D],
        apply: Apply[D],
        log: OwnLog[D] | None = None,
        dead_letters: DeadLetters[D] | None = None,
        group_id: str | None = None,
        max_records: int = 500,
        parallel: int = 4,
        stall_after_s: float = 60.0,
        pacing: Pacing | None = None,
    ) -> None:
        """`consumer` names checkpoints and metrics; `parallel`: partitions applied at the same time.

        `pacing`: what arrives between two polls goes into one transaction; by default they are 25 to 100 ms apart.

        `log` is that of the database: it says which messages are not its own, and when it went back.
        """
        self._settings = settings
        self._epochs = None if log is None else EpochWatch(log, consumer)
        self._topics = tuple(topics)
        self._name = consumer
        self._group_id = group_id or consumer
        self._max_records = max_records
        self._progress = ConsumerProgress(stall_after_s=stall_after_s)
        self._stop = asyncio.Event()
        self._pacing = pacing or Pacing(0.025, per_item_s=0.004, longest_s=0.1)
        self._idle = asyncio.Event()
        self._idle.set()
        dead_letter_writer: DeadLetterWriter[D] | None = None
        self._dead_letter_worker: DeadLetterWorker[D] | None = None
        if dead_letters is not None:
            dead_letter_writer = DeadLetterWriter(dead_letters.checkpointed, most_in_a_row=dead_letters.most_in_a_row)
            self._dead_letter_worker = DeadLetterWorker(
                settings, dead_letters, decode=decode, assignment=self._assignment
            )
        self._applier = RecordApplier(
            name=consumer,
            decode=decode,
            apply=apply,
            check_origin=None if log is None else log.check_origin,
            progress=self._progress,
            stop=self._stop,
            parallel=parallel,
            dead_letter_writer=dead_letter_writer,
        )
        self._records_at = 0.0  # when a poll last brought any
        self._subscription: Subscription | None = None
        self._watch: PartitionWatch | None = None

    def register(self, health: Health) -> None:
        """Add this consumer's checks to the process's health."""
        health.add_liveness(self._name, self.check_live)
        health.add_readiness(self._name, self.check_ready)

    async def check_live(self) -> None:
        """Raise Unhealthy when only a restart, or a person, can help."""
        await self._progress.check_live()

    async def check_ready(self) -> None:
        """Raise Unhealthy while events cannot be applied."""
        await self._progress.check_ready()

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; then finish the batch in hand, commit offsets and leave the group."""
        forwarding = asyncio.create_task(self._forward(stop))
        worker = self._dead_letter_worker
        beside = [] if worker is None else [asyncio.create_task(worker.run(self._stop))]
        pauses = Pauses(_RESTART)
        try:
            while not self._stop.is_set():
                if await self._start_unless_stopped():
                    pauses.succeeded()
                    await self._supervise()
                await self._leave()
                await wait_for_event(self._stop, timeout_s=pauses.failed())
        finally:
            forwarding.cancel()
            self._stop.set()
            await self._leave()
            await asyncio.gather(*beside)

    def _assignment(self) -> frozenset[TopicPartition]:
        return frozenset() if self._subscription is None else self._subscription.assignment

    async def _forward(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._stop.set()

    async def _start_unless_stopped(self) -> bool:
        starting = asyncio.create_task(self._start())
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return await starting if starting.done() else False
        finally:
            starting.cancel()
            stopping.cancel()
            await asyncio.wait({starting}, timeout=_LEAVE_TIMEOUT_S)

    async def _start(self) -> bool:
        """Join the group. What is in the way is said by the readiness; the caller tries again."""
        try:
            # Also because a consumer that names a missing topic can create it.
            await require_topics(self._settings, self._topics)
            self._subscription = Subscription(
                self._settings,
                topics=self._topics,
                group_id=self._group_id,
                max_records=self._max_records,
                drain_s=_DRAIN_S,
                handler=self._apply_poll,
                on_assigned=self._on_assigned,
            )
            self._watch = PartitionWatch(self._subscription, self._name, self._progress, group=self._group_id)
            await self._subscription.start(_START_TIMEOUT_S)
        except (KafkaUnavailable, TopicsMissing, KafkaError, OSError, TimeoutError) as error:
            self._unavailable(error_text(error))
            return False
        log.info("consumer_started", consumer=self._name, topics=list(self._topics))
        return True

    def _unavailable(self, reason: str) -> None:
        if self._progress.kafka_away(reason):
            log.warning("consumer_waits_for_kafka", consumer=self._name, reason=reason)

    async def _supervise(self) -> None:
        """Watch the subscription until the process stops or the Kafka client has to be replaced."""
        assert self._subscription is not None
        assert self._watch is not None
        away_since: float | None = None
        while not self._stop.is_set():
            if (reason := await self._watch.check()) is None:
                away_since = None
            else:
                away_since = away_since or time.monotonic()
                self._unavailable(reason)
            if fault := self._fault(self._subscription, away_since):
                metrics.REBUILDS.labels(self._name).inc()
                log.warning("consumer_rebuilds_client", consumer=self._name, reason=fault)
                return
            if self._epochs is not None and await self._epochs.may_be_younger():
                # Where no new message comes, nothing else would show what the database forgot.
                self._watch.verify_again()
            self._subscription.set_idle(is_idle=time.monotonic() - self._records_at > _IDLE_AFTER_S)
            await wait_for_event(self._stop, timeout_s=_WATCH_EVERY_S)

    def _fault(self, subscription: Subscription, away_since: float | None) -> str | None:
        if not subscription.is_consuming:
            return "the polling task ended"
        if away_since is not None and time.monotonic() - away_since > _REBUILD_AFTER_S:
            return "Kafka has not answered"
        if self._progress.outside_group_for() > 2 * _REBUILD_AFTER_S:
            return "the group has not given us an assignment"
        nothing_in_hand = self._idle.is_set() and not self._progress.halted
        if nothing_in_hand and self._progress.stalled_for() > _REBUILD_AFTER_S:
            return "records wait and none is delivered"
        return None

    async def _leave(self) -> None:
        if self._subscription is None or self._watch is None:
            return
        subscription, self._subscription = self._subscription, None
        watch, self._watch = self._watch, None
        try:
            async with asyncio.timeout(_DRAIN_S):
                await self._idle.wait()
        except TimeoutError:
            log.warning("consumer_batch_abandoned", consumer=self._name)
        await watch.commit()
        await subscription.stop(_LEAVE_TIMEOUT_S)
        watch.assigned(stable=False)
        self._progress.joined(assigned=False)
        log.info("consumer_left", consumer=self._name)

    def _on_assigned(self, partitions: set[TopicPartition] | None) -> None:
        self._progress.joined(assigned=partitions is not None)
        metrics.HALTED.labels(self._name).set(0)
        if self._watch is not None:
            self._watch.assigned(stable=partitions is not None)
        if partitions is not None:
            names = sorted(f"{each.topic}/{each.partition}" for each in partitions)
            log.info("consumer_assigned", consumer=self._name, partitions=names)

    async def _apply_poll(self, records: Sequence[Record]) -> None:
        """Apply what one poll brought."""
        watch = self._watch
        self._records_at = time.monotonic()
        if self._subscription is not None:
            self._subscription.set_idle(is_idle=False)
        if self._stop.is_set() or watch is None:
            return  # not applied, not committed: delivered again to whoever comes next
        by_partition: dict[TopicPartition, list[Record]] = {}
        for record in records:
            by_partition.setdefault(TopicPartition(record.topic, record.partition), []).append(record)
        for partition, group in by_partition.items():
            watch.delivered(partition, group)
        self._idle.clear()
        self._pacing.begin(len(records))
        try:
            await self._applier.apply_poll(watch, by_partition)
        finally:
            self._idle.set()
        if len(records) < self._max_records:  # else more is there already
            await self._pacing.wait(self._stop)

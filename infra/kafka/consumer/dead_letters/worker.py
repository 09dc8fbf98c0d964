"""The background task of a running consumer: replays requested dead letters, publishes them, and counts the open ones.

It polls the table every other second, through an index that is nearly always empty, for the partitions that this member
has. If two members think that they have the same one, the checkpoints' lock keeps their replays apart.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Generic

import structlog
from aiokafka import TopicPartition
from psycopg.rows import dict_row

from infra.backoff import Backoff, Pauses
from infra.kafka.consumer.checkpoints import Checkpointed
from infra.kafka.consumer.dead_letters import metrics
from infra.kafka.consumer.dead_letters.delivery import Decode
from infra.kafka.consumer.dead_letters.publisher import DeadLetterPublisher
from infra.kafka.consumer.dead_letters.replay import Replayer
from infra.kafka.consumer.dead_letters.store import SQL
from infra.kafka.consumer.selection import D
from infra.process.waiting import wait_for_event
from infra.settings.kafka import KafkaSettings

log = structlog.get_logger(__name__)

_POLL_EVERY_S = 2.0
_POLL_TIMEOUT_S = 60.0
_RETRY = Backoff(first_s=1.0, longest_s=30.0)
_FINISH_S = 3.0
_CANCEL_S = 2.5


@dataclass(frozen=True, kw_only=True)
class DeadLetters(Generic[D]):
    """Makes a batch consumer write dead letters; without it, a partition is halted.

    `checkpointed` is the consumer's `apply`. `topic_of(topic, consumer)` names the dead-letter topics; None: there are
    none. After `most_in_a_row` dead letters of a partition without one success, it is halted nevertheless.
    """

    checkpointed: Checkpointed[D]
    topic_of: Callable[[str, str], str] | None
    most_in_a_row: int = 50
    verify_topics_every_s: float = 30.0


class DeadLetterWorker(Generic[D]):
    """Runs beside its consumer; `assignment` returns the partitions that the consumer has now."""

    def __init__(
        self,
        settings: KafkaSettings,
        dead_letters: DeadLetters[D],
        *,
        decode: Decode[D],
        assignment: Callable[[], Collection[TopicPartition]],
    ) -> None:
        self._checkpointed = dead_letters.checkpointed
        self._replayer = Replayer(dead_letters.checkpointed, decode)
        self._assignment = assignment
        self._publisher: DeadLetterPublisher | None = None
        if dead_letters.topic_of is not None:
            self._publisher = DeadLetterPublisher(
                settings, self._checkpointed.pool, self._checkpointed.consumer, dead_letters.topic_of
            )
        self._verify_every_s = dead_letters.verify_topics_every_s
        self._verified_at = time.monotonic()
        self._open: set[str] = set()
        self._to_publish: dict[str, set[int]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set. Never raises: what fails is tried again."""
        # Concurrently: Kafka may be down for long, and replays do not need it.
        tasks = [asyncio.create_task(self._repeat(stop, work)) for work in (self._poll, self._publish)]
        try:
            await stop.wait()
            # Not cancelled at once: aiokafka would leak a connection that it is opening.
            await asyncio.wait(tasks, timeout=_FINISH_S)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=_CANCEL_S)

    async def _repeat(self, stop: asyncio.Event, work: Callable[[], Awaitable[None]]) -> None:
        pauses = Pauses(_RETRY)
        while not stop.is_set():
            try:
                async with asyncio.timeout(_POLL_TIMEOUT_S):
                    await work()
                pauses.succeeded()
                pause = _POLL_EVERY_S
            except Exception as error:  # noqa: BLE001 - nothing here may end the consumer
                log.warning(
                    "consumer_dead_letters_wait",
                    consumer=self._checkpointed.consumer,
                    work=work.__name__.strip("_"),
                    error=f"{type(error).__name__}: {error}".rstrip(": "),
                )
                pause = pauses.failed()
            await wait_for_event(stop, timeout_s=pause)

    async def _poll(self) -> None:
        """Count the open dead letters, and replay those that were requested."""
        async with self._checkpointed.pool.connection() as conn, conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(SQL.open_by_partition, {"consumer": self._checkpointed.consumer})
            rows = await cursor.fetchall()
        metrics.OPEN.labels(self._checkpointed.consumer).set(sum(row["open"] for row in rows))
        assigned = set(self._assignment())
        to_publish: dict[str, set[int]] = defaultdict(set)
        replays: list[TopicPartition] = []
        for row in rows:
            partition = TopicPartition(row["topic"], row["partition"])
            if partition not in assigned:
                continue
            if row["publish"]:
                to_publish[partition.topic].add(partition.partition)
            if row["replay"]:
                replays.append(partition)
        self._open = {row["topic"] for row in rows if TopicPartition(row["topic"], row["partition"]) in assigned}
        self._to_publish = dict(to_publish)
        for partition in replays:
            await self._replayer.replay(partition)

    async def _publish(self) -> None:
        if self._publisher is None:
            return
        for topic, partitions in self._to_publish.items():
            await self._publisher.publish(topic, partitions)
        if self._open and time.monotonic() - self._verified_at > self._verify_every_s:
            for topic in self._open:
                await self._publisher.verify(topic)
            self._verified_at = time.monotonic()

"""Publishes events again, into a topic of its own: whoever wants them there subscribes to it, nobody else does."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer

from domain.ids import LogId
from event_store.replay.files import ReplayRefused, WrongReplayOption
from event_store.replay.reading import Run
from infra.kafka.aiokafka_patches.stopping import end_producer
from infra.kafka.clients import producer_config
from infra.kafka.topics import cell_declarations, create_topics
from infra.settings.kafka import KafkaSettings
from schemas.cloudevents import to_kafka
from schemas.topics import TopicDeclaration, partition_of

CLIENT = "paystream-replay"

_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")  # org.apache.kafka.common.internals.Topic


class EventTopic:
    """A topic that events are published into, each in the partition of its stream, in order."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, partitions: int, log_id: LogId) -> None:
        self._producer = producer
        self._topic = topic
        self._partitions = partitions
        self._log_id = log_id
        self._last: dict[int, int] = {}

    async def add(self, run: Run) -> None:
        """Publish the events of the next run; all are acknowledged on return. Raises KafkaError."""
        deliveries = []
        for event in run.events:
            partition = partition_of(event.stream_id, self._partitions)
            message = to_kafka(event, self._last.get(partition, 0), self._log_id)
            deliveries.append(
                await self._producer.send(
                    self._topic, message.value, key=message.key, headers=message.headers, partition=partition
                )
            )
            self._last[partition] = event.position
        await asyncio.gather(*deliveries)


@asynccontextmanager
async def event_topic(settings: KafkaSettings, topic: str, log_id: LogId, *, force: bool) -> AsyncIterator[EventTopic]:
    """Lend a topic, by its name on the cluster, which is made when it is not there.

    Raises ReplayRefused for a live one, unless forced.

    Without transactions, by a producer of its own: the relay's is not fenced.
    """
    if not _NAME.fullmatch(topic) or topic in {".", ".."}:
        raise WrongReplayOption(f"{topic!r} is no name of a topic: that is 1 to 249 ASCII letters, digits, _ . or -")
    partitions, replicas = settings.kafka_topic_partitions, settings.kafka_replication_factor
    live = {each.name for each in cell_declarations(settings)}
    if topic in live and not force:
        raise ReplayRefused(
            f"{topic} is a live topic: its consumers would get every event again. Remedy: another topic"
        )
    if topic not in live:
        declared = TopicDeclaration(name=topic, partitions=partitions, replication_factor=replicas)
        await create_topics(settings, [declared])
    producer = AIOKafkaProducer(**producer_config(settings, client_id=CLIENT))
    await producer.start()
    try:
        yield EventTopic(producer, topic, partitions, log_id)
    finally:
        await end_producer(producer, deliver=True)

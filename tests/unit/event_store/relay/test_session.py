"""What a session makes of the offsets that a broker gives to its batches."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import cast

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata

from event_store.relay.progress import RelayProgress, Resumed
from event_store.relay.session import Session, TopicWentBack
from event_store.relay.shard import Shard
from infra.settings.kafka import KafkaSettings
from schemas.envelope import RecordedEvent
from tests.integration.infra.kafka.published_log import recorded
from tests.support.log_entries import OPEN_LOG

ALL = Shard(index=0, count=1)


class Producer:
    """Gives the next of the offsets to each batch."""

    def __init__(self, offsets: Sequence[int]) -> None:
        self._offsets = iter(offsets)

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(16_384, 0)

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> "asyncio.Future[RecordMetadata]":
        batch.close()
        delivery = asyncio.get_running_loop().create_future()
        offset = next(self._offsets)
        delivery.set_result(RecordMetadata(topic, partition, TopicPartition(topic, partition), offset, None, 0, 0))
        return delivery


def session_on(offsets: Sequence[int]) -> Session:
    values = {"kafka_bootstrap_servers": "127.0.0.1:9", "kafka_topic_partitions": 1, "kafka_transactions": False}
    settings = KafkaSettings.model_validate(values)
    resumed = Resumed(RelayProgress(shard=ALL, position=0), {}, frozenset())
    producer = cast("AIOKafkaProducer", Producer(offsets))
    return Session(
        settings, producer, cast("AIOKafkaConsumer", None), resumed, state=OPEN_LOG, newest=(), newest_epoch=1
    )


def events() -> list[RecordedEvent]:
    return [recorded(position, uuid.UUID(int=position, version=4)) for position in (1, 2, 3)]


async def test_batches_that_follow_each_other_are_published() -> None:
    session = session_on([0, 1, 2])
    assert len(await session.publish(events(), 3, one_by_one=True)) == 3
    assert session.position == 3


@pytest.mark.parametrize("offsets", [(0, 0, 1), (0, 1, 0), (5, 6, 6)])
async def test_a_broker_that_forgets_between_two_batches_is_noticed(offsets: Sequence[int]) -> None:
    """It took the first, lost its memory, and took the next one when it was sent again."""
    session = session_on(offsets)
    with pytest.raises(TopicWentBack):
        await session.publish(events(), 3, one_by_one=True)
    assert session.position == 0

"""The Kafka producers of shards: their time limits, and how a newer one fences an older one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager

import structlog
from aiokafka import AIOKafkaProducer

from event_store.relay.shard import Shard
from infra.kafka.aiokafka_patches.stopping import end_producer
from infra.kafka.cell_clients import new_producer as open_producer
from infra.settings.kafka import KafkaSettings

log = structlog.get_logger(__name__)

_MARGIN_MS = 5_000
# By default Kafka looks for transactions that are open for too long every 10 s.
_CLEANING_MS = 15_000


class Limits:
    """How long things may take, in seconds, derived from KAFKA_REQUEST_TIMEOUT_MS.

    The relay must abort a transaction before the coordinator does. A new session must be able to wait until Kafka has
    ended the transaction that a paused relay of another shard left open.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        publish_ms = settings.kafka_request_timeout_ms * 2
        self.transaction_ms = publish_ms + _MARGIN_MS
        self.publish_s = publish_ms / 1000
        self.open_s = (self.transaction_ms + _CLEANING_MS) / 1000 if settings.kafka_transactions else self.publish_s


def new_producer(settings: KafkaSettings, shard: Shard) -> AIOKafkaProducer:
    """Return the producer of a shard, not started: starting it fences an older one of the shard."""
    name = shard.transactional_id
    limits = {"transaction_timeout_ms": Limits(settings).transaction_ms} if settings.kafka_transactions else {}
    return open_producer(settings, client_id=name, transactional_id=name, **limits)


@asynccontextmanager
async def record_sender(
    settings: KafkaSettings, shard: Shard
) -> AsyncIterator[Callable[[str, bytes, bytes], Awaitable[None]]]:
    """Lend a way to write single records as a shard's only producer: topic, value, key; each is there on return.

    Raises KafkaError (ProducerFenced when another producer of that shard was started since), TimeoutError.
    """
    producer = new_producer(settings, shard)
    limit_s = Limits(settings).publish_s

    async def send(topic: str, value: bytes, key: bytes) -> None:
        async with asyncio.timeout(limit_s):
            if settings.kafka_transactions:
                await producer.begin_transaction()
            await producer.send_and_wait(topic, value, key=key, partition=0)
            if settings.kafka_transactions:
                await producer.commit_transaction()

    try:
        async with asyncio.timeout(Limits(settings).open_s):
            await producer.start()
        yield send
    finally:
        await end_producer(producer, deliver=False)


async def fence(settings: KafkaSettings, shards: Collection[Shard]) -> None:
    """Fence the producers of other layouts: start their successors, and end them."""
    for shard in shards:
        producer = new_producer(settings, shard)
        try:
            await producer.start()
        finally:
            await end_producer(producer, deliver=False)
    if shards:
        log.info("relay_fenced_others", shards=sorted(map(str, shards)))

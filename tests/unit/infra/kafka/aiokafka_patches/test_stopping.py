"""A producer that is ended drops what it holds."""

import asyncio
import gc
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.structs import TopicPartition

from infra.kafka.aiokafka_patches.stopping import end_producer


async def test_what_is_dropped_is_no_error_that_nobody_has_seen() -> None:
    unseen = list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
    producer = AIOKafkaProducer(bootstrap_servers="127.0.0.1:1")
    producer._sender._sender_task = asyncio.create_task(asyncio.sleep(60))
    batch = producer.create_batch()
    batch.append(key=None, value=b"1", timestamp=None)
    delivery = producer._message_accumulator._append_batch(batch, TopicPartition("topic", 0)).future

    await end_producer(producer, deliver=False)

    assert delivery.exception() is not None
    del producer, batch, delivery
    await asyncio.sleep(0)
    gc.collect()
    assert unseen == []

"""The patches reach into aiokafka: these tests use its own classes, without a broker."""

from collections.abc import Collection
from typing import Any
from unittest.mock import AsyncMock

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.protocol.fetch import FetchRequest

from infra.kafka.aiokafka_patches.delayed_fetches import delay_fetches
from infra.kafka.aiokafka_patches.long_polls import lengthen_polls

PARTITIONS = [TopicPartition("payments", 0), TopicPartition("payments", 2)]


def a_request() -> FetchRequest:
    return FetchRequest(500, 1, 1000, 0, [("payments", [(0, 7, 1000), (2, 9, 1000)])])


class FetchingConsumer:
    """What the patch uses of a consumer that has started."""

    def __init__(self) -> None:
        self._fetcher = Fetcher.__new__(Fetcher)
        self.fetch = self._fetcher._proc_fetch_request = AsyncMock(return_value=True)

    async def fetch_now(self, request: FetchRequest) -> bool:
        return bool(await self._fetcher._proc_fetch_request("assignment", 1, request))


async def test_a_fetch_waits_first_and_then_asks_for_an_answer_at_once() -> None:
    waited_for: list[Collection[TopicPartition]] = []

    async def wait(partitions: Collection[TopicPartition]) -> bool:
        waited_for.append(partitions)
        return True

    consumer: Any = FetchingConsumer()
    delay_fetches(consumer, wait)
    request = a_request()
    assert await consumer.fetch_now(request) is True
    assert waited_for == [PARTITIONS]
    consumer.fetch.assert_awaited_once_with("assignment", 1, request)
    assert request._max_wait_ms < 10


async def test_a_fetch_that_waited_for_nothing_is_as_it_was() -> None:
    async def wait(_: Collection[TopicPartition]) -> bool:
        return False

    consumer: Any = FetchingConsumer()
    delay_fetches(consumer, wait)
    request = a_request()
    await consumer.fetch_now(request)
    assert request._max_wait_ms == 500


async def test_a_poll_lasts_a_second_whatever_it_is_asked_for() -> None:
    consumer = AIOKafkaConsumer.__new__(AIOKafkaConsumer)
    getmany = consumer.getmany = AsyncMock(return_value={})
    lengthen_polls(consumer)
    await consumer.getmany(timeout_ms=10, max_records=500)
    getmany.assert_awaited_once_with(timeout_ms=1000, max_records=500)

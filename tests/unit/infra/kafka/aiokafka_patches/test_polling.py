"""The patches reach into aiokafka: these tests use its own classes, without a broker."""

import asyncio
from collections.abc import Collection
from typing import Any, cast
from unittest.mock import AsyncMock, Mock

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.protocol.fetch import FetchRequest

from infra.kafka.aiokafka_patches.delayed_fetches import delay_fetches
from infra.kafka.aiokafka_patches.long_polls import lengthen_polls

PARTITIONS = [TopicPartition("payments", 0), TopicPartition("payments", 2)]


def a_request() -> FetchRequest:
    return FetchRequest(500, 1, 1000, 0, [("payments", [(0, 7, 1000), (2, 9, 1000)])])


class RecordedTiming:
    """Remembers what was noted; `wait` returns `at_once`, or is canceled."""

    def __init__(self, *, at_once: bool = True, canceled: bool = False) -> None:
        self._at_once, self._canceled = at_once, canceled
        self.noted: list[object] = []

    async def wait(self, partitions: Collection[TopicPartition]) -> bool:
        self.noted.append(("wait", list(partitions)))
        if self._canceled:
            raise asyncio.CancelledError
        return self._at_once

    def moved(self) -> None:
        self.noted.append("moved")


class FetchingConsumer:
    """What the patch uses of a consumer that has started."""

    def __init__(self, timing: RecordedTiming, *, finds: bool, end_of_second: int | None = None) -> None:
        states = {PARTITIONS[0]: Mock(highwater=7), PARTITIONS[1]: Mock(highwater=end_of_second)}
        self.assignment = Mock(state_value=states.__getitem__)
        self._fetcher: Any = Fetcher.__new__(Fetcher)
        self.fetch = self._fetcher._proc_fetch_request = AsyncMock(return_value=finds)
        self.seek_to = self._fetcher.seek_to = Mock()
        self.reset = self._fetcher.request_offset_reset = Mock()
        delay_fetches(cast("AIOKafkaConsumer", self), timing)

    async def fetch_now(self, request: FetchRequest) -> bool:
        return bool(await self._fetcher._proc_fetch_request(self.assignment, 1, request))


async def test_a_fetch_waits_first_and_then_wants_an_answer_at_once() -> None:
    timing = RecordedTiming()
    consumer, request = FetchingConsumer(timing, finds=False), a_request()
    assert await consumer.fetch_now(request) is False
    assert timing.noted == [("wait", PARTITIONS)]
    consumer.fetch.assert_awaited_once_with(consumer.assignment, 1, request)
    assert request._max_wait_ms < 10


async def test_a_fetch_that_waited_for_nothing_is_as_it_was() -> None:
    consumer, request = FetchingConsumer(RecordedTiming(at_once=False), finds=False), a_request()
    await consumer.fetch_now(request)
    assert request._max_wait_ms == 500


@pytest.mark.parametrize(("end", "waits"), [(None, True), (9, True), (10, False)])
async def test_a_partition_that_goes_on_is_fetched_without_a_wait(end: int | None, *, waits: bool) -> None:
    timing = RecordedTiming()
    consumer = FetchingConsumer(timing, finds=True, end_of_second=end)
    assert await consumer.fetch_now(a_request()) is True
    assert timing.noted == ([("wait", PARTITIONS)] if waits else [])


async def test_a_fetch_that_is_canceled_while_it_waits_found_nothing() -> None:
    """As aiokafka's own: it awaits a canceled fetch, and an error there would cut its closing short."""
    consumer = FetchingConsumer(RecordedTiming(canceled=True), finds=True)
    assert await consumer.fetch_now(a_request()) is False
    consumer.fetch.assert_not_awaited()


def test_a_seek_and_a_reset_end_the_wait_before_they_are_done() -> None:
    timing = RecordedTiming()
    consumer = FetchingConsumer(timing, finds=False)
    consumer._fetcher.seek_to(PARTITIONS[0], 7)
    consumer._fetcher.request_offset_reset(PARTITIONS, 0)
    assert timing.noted == ["moved", "moved"]
    consumer.seek_to.assert_called_once_with(PARTITIONS[0], 7)
    consumer.reset.assert_called_once_with(PARTITIONS, 0)


async def test_a_poll_lasts_a_second_whatever_it_is_asked_for() -> None:
    consumer = AIOKafkaConsumer.__new__(AIOKafkaConsumer)
    getmany = consumer.getmany = AsyncMock(return_value={})
    lengthen_polls(consumer)
    await consumer.getmany(timeout_ms=10, max_records=500)
    getmany.assert_awaited_once_with(timeout_ms=1000, max_records=500)

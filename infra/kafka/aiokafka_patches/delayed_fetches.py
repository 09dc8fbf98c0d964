"""Holds a consumer's fetches back until there is something to fetch, where this process knows it (aiokafka 0.13).

aiokafka always has a fetch under way, and a broker that does not answer an empty one at once when a record comes makes
that either late or, when it is done more often, expensive.
"""

import asyncio
from collections.abc import Collection
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition

_AT_ONCE_MS = 2


class Timing(Protocol):
    """Says when to fetch."""

    async def wait(self, partitions: Collection[TopicPartition]) -> bool:
        """Wait before a fetch of these partitions; return whether the broker is to answer an empty one at once."""

    def fetched(self, partitions: Collection[TopicPartition]) -> None:
        """Take note that a fetch of these brought records: there may be more."""

    def moved(self) -> None:
        """Take note that a partition is to be read from elsewhere: what waits is fetched now."""


def delay_fetches(consumer: AIOKafkaConsumer, timing: Timing) -> None:
    """Fetch when `timing` says so from now on. The consumer has started."""
    fetcher = consumer._fetcher  # noqa: SLF001 - see above
    assert fetcher is not None
    fetch, seek_to, reset = fetcher._proc_fetch_request, fetcher.seek_to, fetcher.request_offset_reset  # noqa: SLF001

    async def fetch_when_due(assignment: Any, node_id: int, request: Any) -> bool:
        partitions = [
            TopicPartition(topic, partition) for topic, partitions in request.topics for partition, *_ in partitions
        ]
        try:
            at_once = await timing.wait(partitions)
        except asyncio.CancelledError:
            return False  # as a fetch does whose partitions are taken away, or whose consumer stops
        if at_once:
            request._max_wait_ms = _AT_ONCE_MS  # noqa: SLF001
        found = bool(await fetch(assignment, node_id, request))
        if found:
            timing.fetched(partitions)
        return found

    def seek_at_once(*arguments: Any) -> Any:
        timing.moved()
        return seek_to(*arguments)

    def reset_at_once(*arguments: Any) -> Any:
        timing.moved()
        return reset(*arguments)

    fetcher._proc_fetch_request = fetch_when_due  # noqa: SLF001
    fetcher.seek_to, fetcher.request_offset_reset = seek_at_once, reset_at_once

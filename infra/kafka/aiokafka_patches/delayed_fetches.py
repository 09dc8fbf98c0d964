"""Holds a consumer's fetches back until there is something to fetch, where this process knows it (aiokafka 0.13).

aiokafka always has a fetch under way, and a broker that does not answer an empty one at once when a record comes makes
that either late or, asked more often, expensive.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

Wait = Callable[[Collection[TopicPartition]], Awaitable[bool]]
"""Waits before a fetch of these partitions; returns whether the broker is to answer an empty one at once."""

_AT_ONCE_MS = 2


def delay_fetches(consumer: AIOKafkaConsumer, wait: Wait) -> None:
    """Call `wait` before each fetch from now on. The consumer has started."""
    fetcher = consumer._fetcher  # noqa: SLF001 - see above
    assert fetcher is not None
    fetch = fetcher._proc_fetch_request  # noqa: SLF001

    async def fetch_when_due(assignment: Any, node_id: int, request: Any) -> bool:
        # Cancelled when the partitions are taken away: aiokafka expects that of a fetch.
        partitions = [
            TopicPartition(topic, partition) for topic, partitions in request.topics for partition, *_ in partitions
        ]
        if await wait(partitions):
            request._max_wait_ms = _AT_ONCE_MS  # noqa: SLF001
        return bool(await fetch(assignment, node_id, request))

    fetcher._proc_fetch_request = fetch_when_due  # noqa: SLF001

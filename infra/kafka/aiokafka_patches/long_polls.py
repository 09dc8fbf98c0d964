"""Lets FastStream wait in a poll, which ends when a record comes, rather than between polls (aiokafka 0.13).

FastStream takes one number for both: how long a poll may last, and how long it sleeps after an empty one.
"""

from typing import Any

from aiokafka import AIOKafkaConsumer

_POLL_MS = 1000


def lengthen_polls(consumer: AIOKafkaConsumer) -> None:
    """Have `getmany` wait a second for the first record, whatever it is asked to."""
    getmany = consumer.getmany

    async def wait_for_records(*partitions: Any, timeout_ms: int = 0, max_records: int | None = None) -> Any:
        return await getmany(*partitions, timeout_ms=max(timeout_ms, _POLL_MS), max_records=max_records)

    consumer.getmany = wait_for_records

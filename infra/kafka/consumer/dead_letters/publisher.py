"""Copies open dead letters to the topic `<topic>.dlq.<consumer>`: at least once, each with the id of its row.

The table is the truth. A row that was sent but not yet marked as sent is sent again; a topic that lost its records (a
wiped broker, a new topic) gets every open dead letter again.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import MessageSizeTooLargeError
from psycopg.rows import dict_row

from infra.kafka.aiokafka_patches.stopping import stop_client
from infra.kafka.cell_clients import new_consumer, new_producer
from infra.kafka.consumer.dead_letters.dead_letter import DeadLetter, Headers
from infra.kafka.consumer.dead_letters.store import SQL
from infra.postgres.pool import Pool
from infra.settings.kafka import KafkaSettings

HEADER_PREFIX = "dlq_"

_STOP_TIMEOUT_S = 2.0
_FETCH_TIMEOUT_S = 5.0


class DeadLetterPublisher:
    """For one consumer. `topic_of(topic, consumer)` names the dead-letter topic; it has one partition."""

    def __init__(self, settings: KafkaSettings, pool: Pool, consumer: str, topic_of: Callable[[str, str], str]) -> None:
        self._settings = settings
        self._pool = pool
        self._consumer = consumer
        self._topic_of = topic_of
        self._timeout_s = settings.kafka_request_timeout_ms / 1000 * 2

    async def publish(self, topic: str, partitions: Collection[int]) -> int:
        """Send the open dead letters of these partitions that were not sent yet, at most a hundred; return how many.

        Raises KafkaError, TimeoutError, psycopg.OperationalError: what was not marked as sent is sent again.
        """
        key = {"consumer": self._consumer, "topic": topic}
        async with self._pool.connection() as conn, conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(SQL.unpublished, {**key, "partitions": sorted(partitions)})
            dead_letters = [DeadLetter.of(row) for row in await cursor.fetchall()]
            await cursor.execute(SQL.last_published, key)
            row = await cursor.fetchone()
        if not dead_letters:
            return 0
        offsets = await self._send(self._topic_of(topic, self._consumer), dead_letters)
        highest = row["highest"] if row else None
        ids = [dead_letter.id for dead_letter in dead_letters]
        async with self._pool.connection() as conn:
            await conn.execute(SQL.published, {"ids": ids, "offsets": offsets})
            if highest is not None and min(offsets) <= highest:
                await conn.execute(SQL.publish_again, {**key, "but": ids})
        return len(dead_letters)

    async def verify(self, topic: str) -> None:
        """Have everything sent again if the dead-letter topic is empty. Raises as `publish` does."""
        key = {"consumer": self._consumer, "topic": topic}
        async with self._pool.connection() as conn:
            row = await (await conn.execute(SQL.last_published, key)).fetchone()
        if row is None or row[0] is None or not await self._is_empty(self._topic_of(topic, self._consumer)):
            return
        async with self._pool.connection() as conn:
            await conn.execute(SQL.publish_again, {**key, "but": []})

    async def _send(self, topic: str, dead_letters: Sequence[DeadLetter]) -> list[int]:
        producer = new_producer(self._settings, client_id=f"{self._consumer}-dead-letters")
        try:
            async with asyncio.timeout(self._timeout_s):
                await producer.start()
            return [await self._send_one(producer, topic, dead_letter) for dead_letter in dead_letters]
        finally:
            await stop_client(producer.stop(), timeout_s=_STOP_TIMEOUT_S)

    async def _send_one(self, producer: AIOKafkaProducer, topic: str, dead_letter: DeadLetter) -> int:
        headers = headers_of(dead_letter)
        async with asyncio.timeout(self._timeout_s):
            try:
                sent = await producer.send_and_wait(
                    topic, dead_letter.value, dead_letter.key, partition=0, headers=headers
                )
            except MessageSizeTooLargeError:
                # Our headers made it too large. The row has its value.
                left_out = [(f"{HEADER_PREFIX}valueleftout", b"%d" % len(dead_letter.value or b""))]
                ours = [(name, raw) for name, raw in headers if name.startswith(HEADER_PREFIX)]
                sent = await producer.send_and_wait(topic, None, dead_letter.key, partition=0, headers=ours + left_out)
        offset: int = sent.offset
        return offset

    async def _is_empty(self, topic: str) -> bool:
        """Whether a fetch finds the topic empty. Its end offset is not to be trusted: see docs/decisions/0003."""
        place = TopicPartition(topic, 0)
        consumer = new_consumer(self._settings, client_id=f"{self._consumer}-dead-letters")
        try:
            async with asyncio.timeout(self._timeout_s):
                await consumer.start()
                consumer.assign([place])
                await consumer.seek_to_beginning(place)
                deadline = time.monotonic() + _FETCH_TIMEOUT_S
                while time.monotonic() < deadline:
                    if await consumer.getmany(place, timeout_ms=200, max_records=1):
                        return False
                    if consumer.highwater(place) is not None:
                        return bool(consumer.highwater(place) == 0)
            return False
        finally:
            await stop_client(consumer.stop(), timeout_s=_STOP_TIMEOUT_S)


def headers_of(dead_letter: DeadLetter) -> Headers:
    """Return the original headers, and our own: why the record is here and where it came from."""
    original = [(name, raw) for name, raw in dead_letter.headers if not name.startswith(HEADER_PREFIX)]
    ours = {
        "id": str(dead_letter.id),
        "reason": dead_letter.reason.value,
        "errortype": dead_letter.error_type,
        "error": dead_letter.error,
        "consumer": dead_letter.consumer,
        "topic": dead_letter.topic,
        "partition": str(dead_letter.partition),
        "offset": str(dead_letter.kafka_offset),
        "failedat": dead_letter.failed_at.isoformat(),
    }
    return [*original, *((f"{HEADER_PREFIX}{name}", text.encode()) for name, text in ours.items())]

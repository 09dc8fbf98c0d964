"""Copies open dead letters to the topic `<topic>.dlq.<consumer>`: at least once, each with the id of its row.

The table is the truth. A row that was sent and not yet noted as sent is sent again; a topic that lost what it had (a
wiped broker, a topic made anew) gets all that is open again.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import MessageSizeTooLargeError
from psycopg.rows import dict_row

from infra.kafka.clients import consumer_config, producer_config, stop_client
from infra.kafka.consumer.dead_letters.letter import DeadLetter, Headers
from infra.kafka.consumer.dead_letters.store import SQL
from infra.postgres.pool import Pool
from infra.settings.kafka import KafkaSettings

HEADER_PREFIX = "dlq_"

_STOP_TIMEOUT_S = 2.0
_FETCH_TIMEOUT_S = 5.0


class Announcer:
    """For one consumer. `topic_of(topic, consumer)` names the dead-letter topic; it has one partition."""

    def __init__(self, settings: KafkaSettings, pool: Pool, consumer: str, topic_of: Callable[[str, str], str]) -> None:
        self._settings = settings
        self._pool = pool
        self._consumer = consumer
        self._topic_of = topic_of
        self._timeout_s = settings.kafka_request_timeout_ms / 1000 * 2

    async def announce(self, topic: str, partitions: Collection[int]) -> int:
        """Send what is open in these partitions and not announced, at most a hundred; return how many.

        Raises KafkaError, TimeoutError, psycopg.OperationalError: what was not noted as sent is sent again.
        """
        key = {"consumer": self._consumer, "topic": topic}
        async with self._pool.connection() as conn, conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(SQL.unannounced, {**key, "partitions": sorted(partitions)})
            letters = [DeadLetter.of(row) for row in await cursor.fetchall()]
            await cursor.execute(SQL.last_announced, key)
            row = await cursor.fetchone()
        if not letters:
            return 0
        offsets = await self._send(self._topic_of(topic, self._consumer), letters)
        highest = row["highest"] if row else None
        ids = [letter.id for letter in letters]
        async with self._pool.connection() as conn:
            await conn.execute(SQL.announced, {"ids": ids, "offsets": offsets})
            if highest is not None and min(offsets) <= highest:
                await conn.execute(SQL.announce_again, {**key, "but": ids})
        return len(letters)

    async def verify(self, topic: str) -> None:
        """Let everything be announced again if the dead-letter topic is empty. Raises as `announce` does."""
        key = {"consumer": self._consumer, "topic": topic}
        async with self._pool.connection() as conn:
            row = await (await conn.execute(SQL.last_announced, key)).fetchone()
        if row is None or row[0] is None or not await self._is_empty(self._topic_of(topic, self._consumer)):
            return
        async with self._pool.connection() as conn:
            await conn.execute(SQL.announce_again, {**key, "but": []})

    async def _send(self, topic: str, letters: Sequence[DeadLetter]) -> list[int]:
        producer = AIOKafkaProducer(**producer_config(self._settings, client_id=f"{self._consumer}-dead-letters"))
        try:
            async with asyncio.timeout(self._timeout_s):
                await producer.start()
            return [await self._send_one(producer, topic, letter) for letter in letters]
        finally:
            await stop_client(producer.stop(), timeout_s=_STOP_TIMEOUT_S)

    async def _send_one(self, producer: AIOKafkaProducer, topic: str, letter: DeadLetter) -> int:
        headers = headers_of(letter)
        async with asyncio.timeout(self._timeout_s):
            try:
                sent = await producer.send_and_wait(topic, letter.value, letter.key, partition=0, headers=headers)
            except MessageSizeTooLargeError:
                # With our headers it is larger than it came. The row has it.
                left_out = [(f"{HEADER_PREFIX}valueleftout", b"%d" % len(letter.value or b""))]
                ours = [(name, raw) for name, raw in headers if name.startswith(HEADER_PREFIX)]
                sent = await producer.send_and_wait(topic, None, letter.key, partition=0, headers=ours + left_out)
        offset: int = sent.offset
        return offset

    async def _is_empty(self, topic: str) -> bool:
        """Whether the topic has no record at all, as a fetch answers (not a question for its end: see 0003)."""
        place = TopicPartition(topic, 0)
        consumer = AIOKafkaConsumer(**consumer_config(self._settings, client_id=f"{self._consumer}-dead-letters"))
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


def headers_of(letter: DeadLetter) -> Headers:
    """Return the original headers, and beside them why and whence the record is there."""
    original = [(name, raw) for name, raw in letter.headers if not name.startswith(HEADER_PREFIX)]
    ours = {
        "id": str(letter.id),
        "reason": letter.reason.value,
        "errortype": letter.error_type,
        "error": letter.error,
        "consumer": letter.consumer,
        "topic": letter.topic,
        "partition": str(letter.partition),
        "offset": str(letter.kafka_offset),
        "failedat": letter.failed_at.isoformat(),
    }
    return [*original, *((f"{HEADER_PREFIX}{name}", text.encode()) for name, text in ours.items())]

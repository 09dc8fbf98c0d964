"""A consumer whose handler refuses what a test says, records for it, and a look at its dead letters."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, cast

from aiokafka import ConsumerRecord, TopicPartition
from psycopg.rows import dict_row

from infra.kafka.consumer.checkpoints import checkpointed
from infra.kafka.consumer.dead_letters.replay import Replayer
from infra.kafka.consumer.dead_letters.writer import DeadLetterWriter
from infra.kafka.consumer.liveness import ConsumerProgress
from infra.kafka.consumer.partition_watch import PartitionWatch
from infra.kafka.consumer.record_applier import RecordApplier
from infra.kafka.consumer.subscription import Record
from infra.postgres.pool import Connection, Pool
from schemas.cloudevents import Delivered, from_kafka, to_kafka
from schemas.envelope import RecordedEvent
from tests.integration.infra.kafka.consumer.noting_consumer import NAME, Effects
from tests.integration.infra.kafka.published_log import recorded

PARTITION = TopicPartition("test.topic", 0)


class Refused(Exception):
    """What the handler raises."""


class PickyEffects(Effects):
    """Effects of a handler that raises for some streams and positions, or whatever `fault` raises."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.refused: set[str | int] = set()
        self.fault: Callable[[Connection, Sequence[Delivered]], Awaitable[None]] | None = None

    async def write(self, conn: Connection, messages: Sequence[Delivered]) -> None:
        if self.fault is not None:
            await self.fault(conn, messages)
        await super().write(conn, messages)
        # After the good ones: what is undone must include them.
        for message in messages:
            if self.refused & {message.stream, message.position}:
                raise Refused(f"no to {message.position}")

    async def in_order(self) -> list[int]:
        """Positions in the order in which they were written."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute("SELECT position FROM consumers.effects ORDER BY written_at")
            return [row[0] for row in await cursor.fetchall()]


class Watch:
    """Stands in for what is known of the partition at Kafka; nothing is there to be done."""

    def pause(self, _: TopicPartition) -> None:
        return

    def mark_done(self, _: TopicPartition, **__: object) -> None:
        return

    def search_gap(self, _: TopicPartition, **__: object) -> bool:
        return True

    def is_ours(self, _: TopicPartition) -> bool:
        return True


class Member:
    """One member of a consumer, without Kafka: what is delivered is what a test says."""

    def __init__(self, effects: PickyEffects, pool: Pool, *, most_in_a_row: int = 50) -> None:
        self.checkpointed = checkpointed(pool, NAME, effects.write)
        self.progress = ConsumerProgress(stall_after_s=60)
        self.stop = asyncio.Event()
        self.replayer = Replayer(self.checkpointed, from_kafka)
        self._applier = RecordApplier[Delivered](
            name=NAME,
            decode=from_kafka,
            apply=self.checkpointed,
            progress=self.progress,
            stop=self.stop,
            dead_letter_writer=DeadLetterWriter(self.checkpointed, most_in_a_row=most_in_a_row),
        )

    async def poll(self, records: Iterable[Record]) -> None:
        """Deliver what one poll brought, of any partitions."""
        polled: dict[TopicPartition, list[Record]] = {}
        for record in records:
            polled.setdefault(TopicPartition(record.topic, record.partition), []).append(record)
        await self._applier.apply_poll(cast("PartitionWatch", Watch()), polled)

    async def deliver(self, records: Iterable[Record]) -> None:
        await self._applier.apply_records(cast("PartitionWatch", Watch()), PARTITION, list(records))

    @property
    def is_halted(self) -> bool:
        return self.progress.is_halted(PARTITION)


class Topic:
    """A partition's events as they are relayed, and records as no relay would write them."""

    def __init__(self, partition: TopicPartition = PARTITION, *, first_position: int = 5) -> None:
        self.partition = partition
        self._first_position = first_position
        self.events: list[RecordedEvent] = []
        self._offset = 0

    def add(self, *streams: uuid.UUID) -> list[Record]:
        """Record an event of each of these streams; return their records."""
        first = len(self.events)
        for stream in streams:
            position = self.events[-1].position + 3 if self.events else self._first_position
            self.events.append(recorded(position, stream))
        return [self.record(at) for at in range(first, len(self.events))]

    def all(self) -> list[Record]:
        """The whole partition, as a topic that was filled anew holds it."""
        return [self.record(at) for at in range(len(self.events))]

    def record(self, at: int) -> Record:
        event = self.events[at]
        message = to_kafka(event, self.events[at - 1].position if at else 0)
        return self.raw(message.value, headers=message.headers, key=message.key)

    def raw(
        self,
        value: bytes | None,
        *,
        headers: Sequence[tuple[str, bytes | None]] = (),
        key: bytes | None = None,
    ) -> Record:
        """Return a record of this content."""
        self._offset += 1
        return ConsumerRecord(
            topic=self.partition.topic,
            partition=self.partition.partition,
            offset=self._offset,
            timestamp=1_800_000_000_000,
            timestamp_type=0,
            key=key,
            value=value,
            checksum=None,
            serialized_key_size=0,
            serialized_value_size=0,
            headers=tuple(headers),
        )

    @property
    def positions(self) -> list[int]:
        return [event.position for event in self.events]


def with_header(record: Record, name: str, raw: bytes) -> Record:
    """Return the record with another value of a header."""
    headers = tuple((each, raw if each == name else value) for each, value in record.headers)
    return ConsumerRecord(**{**vars_of(record), "headers": headers})


def vars_of(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


async def dead_letters(pool: Pool) -> list[dict[str, Any]]:
    """Return every dead letter."""
    async with pool.connection() as conn, conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute("SELECT * FROM consumers.dead_letters ORDER BY id")
        return await cursor.fetchall()


async def summaries(pool: Pool) -> list[tuple[int | None, str, str]]:
    """Return position, reason and status of every dead letter."""
    return [(row["position"], row["reason"], row["status"]) for row in await dead_letters(pool)]


async def checkpoint(pool: Pool) -> tuple[int, int]:
    """Return the position, and up to where dead letters have to be looked at."""
    async with pool.connection() as conn:
        cursor = await conn.execute("SELECT position, dead_letters_until FROM consumers.consumer_checkpoints")
        (row,) = await cursor.fetchall()
        return row[0], row[1]

"""A batch consumer that notes what it applied, in PostgreSQL, in the transaction of its checkpoint."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from infra.kafka.consumer.batch_consumer import BatchConsumer
from infra.kafka.consumer.checkpoints import Apply, checkpointed
from infra.postgres.pool import Connection, Pool
from infra.settings.kafka import KafkaSettings
from schemas.cloudevents import Delivered, from_kafka

NAME = "test-consumer"


class Effects:
    """Writes each position into `consumers.effects`: a repeated effect shows as a repeated row."""

    def __init__(self, pool: Pool, *, before: Callable[[], Awaitable[None]] | None = None) -> None:
        """`before` is called while the checkpoint is locked, before anything is written."""
        self._pool = pool
        self._before = before
        self.apply: Apply[Delivered] = checkpointed(pool, NAME, self.write)

    async def prepare(self, owner_url: str) -> None:
        import psycopg  # noqa: PLC0415 - only here, with the owner's role

        async with await psycopg.AsyncConnection.connect(owner_url, autocommit=True) as conn:
            await conn.execute("CREATE TABLE consumers.effects (position bigint, written_at serial)")
            await conn.execute("GRANT ALL ON consumers.effects TO paystream_app")
            await conn.execute("GRANT ALL ON SEQUENCE consumers.effects_written_at_seq TO paystream_app")

    async def write(self, conn: Connection, messages: Sequence[Delivered]) -> None:
        if self._before is not None:
            await self._before()
        async with conn.cursor() as cursor:
            await cursor.executemany(
                "INSERT INTO consumers.effects (position) VALUES (%s)",
                [(message.position,) for message in messages],
            )

    async def positions(self) -> list[int]:
        async with self._pool.connection() as conn:
            cursor = await conn.execute("SELECT position FROM consumers.effects ORDER BY position")
            return [row[0] for row in await cursor.fetchall()]


@asynccontextmanager
async def running(
    settings: KafkaSettings, topic: str, apply: Apply[Delivered], **options: Any
) -> AsyncIterator[BatchConsumer[Delivered]]:
    """Run a consumer until the end of the block, and stop it in good order."""
    stop = asyncio.Event()
    consumer = BatchConsumer[Delivered](
        settings, topics=[topic], consumer=NAME, decode=from_kafka, apply=apply, **options
    )
    task = asyncio.create_task(consumer.run(stop))
    try:
        yield consumer
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)

"""A member of a consumer group as a program of its own, for tests that pause and kill it.

It writes the position of each event that it applies into the table `consumers.effects`.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

import structlog
from aiokafka import TopicPartition

from infra.kafka.consumer.batch_consumer import BatchConsumer
from infra.kafka.consumer.selection import Applied
from infra.postgres.pool import create_pool
from infra.process.run import run
from infra.process.runtime import Runtime
from infra.settings.kafka import KafkaSettings
from infra.settings.loading import load_settings
from infra.settings.postgres import DatabaseSettings
from schemas.cloudevents import Delivered, from_kafka
from tests.integration.infra.kafka.consumer.noting_consumer import NAME, Effects

log = structlog.get_logger(__name__)


class MemberSettings(DatabaseSettings, KafkaSettings):
    member_topic: str
    member_max_records: int = 50
    member_holds: Literal["nothing", "records", "lock"] = "nothing"
    """Wait before the checkpoint's lock is taken, or while it is held, as long as the file below is there."""
    member_hold_file: Path = Path("hold")


async def consume(runtime: Runtime) -> None:
    settings = cast("MemberSettings", runtime.settings)
    pool = create_pool(settings.database_url.get_secret_value(), size=4, name="member")
    effects = Effects(pool, before=hold if settings.member_holds == "lock" else None)

    async def apply(partition: TopicPartition, messages: Sequence[Delivered]) -> Applied:
        if settings.member_holds == "records":
            await hold()
        return await effects.apply(partition, messages)

    consumer = BatchConsumer(
        settings,
        topics=[settings.member_topic],
        consumer=NAME,
        decode=from_kafka,
        apply=apply,
        max_records=settings.member_max_records,
    )
    consumer.register(runtime.health)
    async with pool:
        await consumer.run(runtime.stop)


async def hold() -> None:
    file = SETTINGS.member_hold_file
    if file.exists():
        log.info("member_holds")
    while file.exists():  # noqa: ASYNC110 - another process removes it
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    SETTINGS = load_settings(MemberSettings)
    run("member", SETTINGS, consume)

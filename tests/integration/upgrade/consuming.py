"""Today's consumers on the records of an older release, as they would be given them, but without a broker."""

import asyncio
from collections.abc import Iterable
from typing import cast

from aiokafka import TopicPartition

from consumers.gateway import intake as gateway
from consumers.gateway.intake import NAME as GATEWAY
from consumers.reconciliation.schedule import intake as reconciliation
from consumers.reconciliation.schedule.worker import NAME as RECONCILIATION
from consumers.webhooks.interpret import Interpreter
from consumers.webhooks.process import NAME as WEBHOOKS
from infra.kafka.consumer.checkpoints import Checkpointed, checkpointed
from infra.kafka.consumer.dead_letters.writer import DeadLetterWriter
from infra.kafka.consumer.liveness import ConsumerProgress
from infra.kafka.consumer.partition_watch import PartitionWatch
from infra.kafka.consumer.record_applier import RecordApplier
from infra.kafka.consumer.subscription import Record
from infra.postgres.pool import Pool
from projections.registry import PROJECTIONS
from projections.runner import projecting, topics_of
from schemas.cloudevents import Delivered, from_kafka
from schemas.topics import PAYMENT, STRIPE_EVENT
from schemas.topics import RECONCILIATION as RECONCILIATION_TOPIC
from tests.integration.infra.kafka.consumer.dead_letters.refusing_consumer import Watch
from tests.integration.upgrade.fixture_files import Fixture


async def project(pool: Pool, release: Fixture) -> None:
    """Give the projector all records, from the first one of each topic."""
    await _deliver(projecting(pool, PROJECTIONS), release, topics_of(PROJECTIONS))


async def take_in(pool: Pool, release: Fixture) -> None:
    """Give the gateway all records of payments, and no more than that: it calls nobody."""
    await _deliver(checkpointed(pool, GATEWAY, gateway.write_tasks), release, [PAYMENT])


async def interpret(pool: Pool, release: Fixture) -> None:
    """Give the interpreter of webhooks all that Stripe sent."""
    await _deliver(checkpointed(pool, WEBHOOKS, Interpreter().write), release, [STRIPE_EVENT])


async def record_runs(pool: Pool, release: Fixture) -> None:
    """Give the reconciliation all that was asked for and found."""
    await _deliver(checkpointed(pool, RECONCILIATION, reconciliation.write_tables), release, [RECONCILIATION_TOPIC])


async def _deliver(apply: Checkpointed[Delivered], release: Fixture, topics: Iterable[str]) -> None:
    progress = ConsumerProgress(stall_after_s=60)
    applier = RecordApplier[Delivered](
        name=apply.consumer,
        decode=from_kafka,
        apply=apply,
        progress=progress,
        stop=asyncio.Event(),
        dead_letter_writer=DeadLetterWriter(apply),
    )
    for topic in topics:
        for partition, records in release.records(topic):
            await _take(applier, partition, records)
    await progress.check_live()  # no partition is halted


async def _take(applier: RecordApplier[Delivered], partition: TopicPartition, records: list[Record]) -> None:
    await applier.apply_records(cast("PartitionWatch", Watch()), partition, records)

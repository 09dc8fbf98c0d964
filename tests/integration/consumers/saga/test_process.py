"""The process of sagas as it runs: from Kafka to the log, also when Kafka loses everything."""

import asyncio
import time

import pytest

from consumers.saga.intake import NAME
from consumers.saga.process import serve
from consumers.saga.settings import SagaSettings
from domain.split_payment.state import SplitPaymentState
from domain.split_payment.values import SplitPaymentStatus
from infra.kafka.topics import create_topics
from infra.postgres.pool import Pool
from infra.process.health import Health
from infra.process.runtime import Runtime
from schemas.topics import PAYMENT, SPLIT_PAYMENT, declarations
from tests.integration.conftest import Cluster
from tests.integration.consumers.saga.saga_bench import Bench
from tests.integration.infra.kafka.published_log import Log
from tests.support.database import Database
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def settings(cluster: Cluster, database: Database) -> SagaSettings:
    return SagaSettings.model_validate(cluster.settings.model_dump() | {"database_url": database.url("app")})


async def _publish(settings: SagaSettings, bench: Bench) -> None:
    """Publish the whole log, as a relay does to a Kafka that has nothing: what was there comes once more."""
    events = await bench.log()
    for topic, category in ((PAYMENT, "payment"), (SPLIT_PAYMENT, "split-payment")):
        async with Log.of(settings, topic, partitions=settings.kafka_topic_partitions) as relay:
            relay.events = [event for event in events if event.category == category]
            await relay.publish()


async def test_it_goes_on_though_kafka_loses_everything_in_between(
    settings: SagaSettings, cluster: Cluster, pool: Pool, database: Database
) -> None:
    topics = declarations(settings.kafka_topic_partitions, settings.kafka_replication_factor)
    await create_topics(settings, topics)
    bench = Bench.of(pool, database)
    split_payment_id = await bench.request(now=time.time())
    runtime = Runtime(service=NAME, settings=settings, stop=asyncio.Event(), health=Health())
    process = asyncio.create_task(serve(runtime, settings))

    async def becomes(status: SplitPaymentStatus) -> SplitPaymentState:
        return await eventually(
            lambda: bench.state(split_payment_id), until=lambda found: found.status is status, within=40, every=0.05
        )

    async def is_opened() -> bool:
        legs = (await bench.state(split_payment_id)).legs
        return all([await bench.leg(payment_id) is not None for payment_id in legs])

    await _publish(settings, bench)
    await eventually(is_opened, until=bool, within=40)
    await bench.answer_all(split_payment_id)
    await cluster.wipe()
    await create_topics(settings, topics)
    await _publish(settings, bench)
    await becomes(SplitPaymentStatus.CAPTURING)
    await bench.answer_all(split_payment_id)
    await cluster.wipe()
    await create_topics(settings, topics)
    await _publish(settings, bench)
    await becomes(SplitPaymentStatus.COMPLETED)
    types = [event.type for event in await bench.log()]
    assert types.count("payment.requested") == 2
    assert types.count("payment.capture_requested") == 2
    runtime.stop.set()
    await asyncio.wait_for(process, 30)

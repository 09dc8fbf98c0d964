"""The process as it runs: from Kafka to a merchant's server; and nothing at all while nobody wants webhooks."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from consumers.webhooks_out import on_demand
from consumers.webhooks_out.intake import NAME
from consumers.webhooks_out.process import serve
from consumers.webhooks_out.settings import WebhooksOutSettings
from infra.kafka.topics import create_topics
from infra.process.health import Health
from infra.process.runtime import Runtime
from schemas.topics import PAYMENT, declarations
from tests.integration.conftest import Cluster
from tests.integration.consumers.webhooks_out.webhook_bench import LIFE, Bench
from tests.integration.infra.kafka.published_log import Log
from tests.support.database import Database
from tests.support.waiting import eventually
from tests.support.webhook_receiver import Receiver

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def settings(cluster: Cluster, database: Database) -> WebhooksOutSettings:
    given = cluster.settings.model_dump() | {
        "database_url": database.url("app"),
        "webhook_secrets_key": SecretStr(base64.b64encode(bytes(32)).decode()),
        "webhooks_out_retry_after_s": "0.1,0.1,0.1",
    }
    return WebhooksOutSettings.model_validate(given)


@asynccontextmanager
async def serving(settings: WebhooksOutSettings) -> AsyncIterator[Runtime]:
    runtime = Runtime(service=NAME, settings=settings, stop=asyncio.Event(), health=Health())
    process = asyncio.create_task(serve(runtime, settings))
    try:
        yield runtime
    finally:
        runtime.stop.set()
        await asyncio.wait_for(process, 30)


async def publish(settings: WebhooksOutSettings, bench: Bench) -> None:
    """Publish the whole log, as a relay does to a Kafka that has nothing: what was there comes once more."""
    async with Log.of(settings, PAYMENT, partitions=settings.kafka_topic_partitions) as relay:
        relay.events = [event for event in await bench.log() if event.category == "payment"]
        await relay.publish()


async def test_it_reads_nothing_until_there_is_an_endpoint(
    settings: WebhooksOutSettings, bench: Bench, receiver: Receiver, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_demand, "_LOOK_EVERY_S", 0.05)
    await create_topics(settings, declarations(settings.kafka_topic_partitions, settings.kafka_replication_factor))
    checkpoints = "SELECT count(*) FROM consumers.consumer_checkpoints WHERE consumer = 'webhooks-out'"
    early = await bench.pay()
    await publish(settings, bench)
    async with serving(settings):
        for _ in range(5):
            await asyncio.sleep(0.05)
            assert await bench.rows(checkpoints) == [(0,)]
        await bench.endpoint(receiver.url)
        payment_id = await bench.pay()
        await cluster.wipe()
        await create_topics(settings, declarations(settings.kafka_topic_partitions, settings.kafka_replication_factor))
        await publish(settings, bench)

        async def got() -> list[str]:
            return receiver.types(payment_id)

        await eventually(got, lambda found: found == LIFE, within=40)
        assert receiver.types(early) == []
    assert len(receiver.received) == len(LIFE)

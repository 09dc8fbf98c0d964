"""The gateway as it runs: from an event in Kafka to Stripe and back into the log."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import ValidationError

from consumers.gateway.intake import NAME
from consumers.gateway.process import serve
from consumers.gateway.settings import GatewaySettings
from event_store.payments import load_payment
from infra.kafka.topics import create_topics
from infra.postgres.pool import Pool
from infra.process.health import Health
from infra.process.runtime import Runtime
from schemas.topics import PAYMENT, declarations
from tests.integration.conftest import Cluster
from tests.integration.consumers.gateway.gateway_without_kafka import Payments
from tests.integration.infra.kafka.published_log import Log
from tests.integration.infra.stripe_sandbox.sandbox_process import SandboxProcess, running_sandbox
from tests.support.database import Database
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest_asyncio.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[SandboxProcess]:
    async with running_sandbox(tmp_path / "sandbox.db") as process:
        yield process


@pytest.fixture
def settings(cluster: Cluster, database: Database, sandbox: SandboxProcess) -> GatewaySettings:
    return GatewaySettings.model_validate(
        cluster.settings.model_dump()
        | {
            "database_url": database.url("app"),
            "stripe_secret_key": "sk_test_integration",
            "stripe_api_base": sandbox.url,
            "redis_url": "redis://127.0.0.1:9/0",  # it may be away
        }
    )


async def test_an_event_in_kafka_becomes_a_charge_and_the_process_says_how_it_is(
    settings: GatewaySettings, pool: Pool
) -> None:
    await create_topics(settings, declarations(settings.kafka_topic_partitions, settings.kafka_replication_factor))
    payments = Payments(pool, with_intake=False)
    payment_id = await payments.request()
    runtime = Runtime(service=NAME, settings=settings, stop=asyncio.Event(), health=Health())
    process = asyncio.create_task(serve(runtime, settings))
    await eventually(runtime.health.ready, until=lambda report: report.status == "unhealthy")
    async with pool.connection() as conn:
        events = (await load_payment(conn, payment_id)).events
    async with Log.of(settings, PAYMENT, partitions=settings.kafka_topic_partitions) as relay:
        relay.events = list(events)
        await relay.publish()
    await payments.becomes(payment_id, "succeeded", within=20)
    ready = await eventually(runtime.health.ready, until=lambda report: report.status == "ok")
    assert set(ready.checks) == {NAME, "postgres", "stripe"}
    assert (await runtime.health.live()).status == "ok"
    runtime.stop.set()
    started = time.perf_counter()
    await asyncio.wait_for(process, 30)
    assert time.perf_counter() - started < 8


def test_a_lease_that_a_call_could_outlive_is_refused(settings: GatewaySettings) -> None:
    values = settings.model_dump()
    with pytest.raises(ValidationError, match="GATEWAY_LEASE_MS must be at least 24000"):
        GatewaySettings.model_validate(values | {"gateway_lease_ms": 10_000})

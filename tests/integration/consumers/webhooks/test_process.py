"""The interpreter as it runs: from an event in Kafka to a payment that is to be read again."""

import asyncio
import time

import pytest

from consumers.webhooks.process import NAME, serve
from consumers.webhooks.settings import WebhooksSettings
from domain.ids import StripeIntentId
from domain.payment.observations import RecordIntentCreated
from domain.payment.values import PaymentStatus
from infra.kafka.topics import create_topics
from infra.postgres.pool import Pool
from infra.process.health import Health
from infra.process.runtime import Runtime
from schemas.topics import STRIPE_EVENT, declarations
from tests.integration.conftest import Cluster
from tests.integration.consumers.gateway.gateway_without_kafka import Payments
from tests.integration.consumers.webhooks.recorded_webhooks import Webhooks, of_payment
from tests.integration.infra.kafka.published_log import Log
from tests.support.database import Database
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]


async def test_an_event_that_is_repeated_in_kafka_asks_for_one_refresh(
    cluster: Cluster, database: Database, pool: Pool
) -> None:
    settings = WebhooksSettings.model_validate(cluster.settings.model_dump() | {"database_url": database.url("app")})
    await create_topics(settings, declarations(settings.kafka_topic_partitions, settings.kafka_replication_factor))
    payments, webhooks = Payments(pool, with_intake=False), Webhooks(pool)
    payment_id = await payments.request()
    await payments.command(
        payment_id, RecordIntentCreated(intent_id=StripeIntentId("pi_1"), status=PaymentStatus.REQUIRES_CONFIRMATION)
    )
    canceled = of_payment(payment_id, id="pi_1", status="canceled", cancellation_reason="abandoned")
    await webhooks.receive("payment_intent.canceled", canceled)
    runtime = Runtime(service=NAME, settings=settings, stop=asyncio.Event(), health=Health())
    process = asyncio.create_task(serve(runtime, settings))
    async with Log.of(settings, STRIPE_EVENT, partitions=settings.kafka_topic_partitions) as relay:
        relay.events = [delivered.event for delivered in await webhooks.delivered()]
        await relay.publish()
        tasks = await eventually(payments.tasks, until=bool, within=20)
        assert [(operation, status) for operation, status, *_ in tasks] == [("refresh_payment", "due")]
        await payments.execute("UPDATE consumers.gateway_tasks SET status = 'done'")
        await relay.publish()
        await webhooks.receive("payment_intent.canceled", canceled, id="evt_2")
        relay.events = [delivered.event for delivered in await webhooks.delivered()]
        await relay.publish()
        await eventually(payments.tasks, until=lambda rows: rows[0][1] == "due", within=20)
    ready = await eventually(runtime.health.ready, until=lambda report: report.status == "ok")
    assert set(ready.checks) == {NAME, "postgres"}
    runtime.stop.set()
    started = time.perf_counter()
    await asyncio.wait_for(process, 30)
    assert time.perf_counter() - started < 8
    await webhooks.close()

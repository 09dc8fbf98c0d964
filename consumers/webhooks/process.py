"""The process `stripe-webhooks`: interprets the events that Stripe sent."""

from consumers.event_intake import event_intake
from consumers.webhooks.in_flight_calls import WaitForInFlightCalls
from consumers.webhooks.interpret import Interpreter
from consumers.webhooks.settings import WebhooksSettings
from infra.kafka.consumer.checkpoints import checkpointed
from infra.postgres.pool import create_pool, postgres_check
from infra.process.runtime import Runtime
from infra.process.service import Service
from schemas.topics import STRIPE_EVENT

NAME = "stripe-webhooks"


async def serve(runtime: Runtime, settings: WebhooksSettings) -> None:
    """Interpret events until `runtime.stop` is set."""
    url = settings.database_url.get_secret_value()
    pool = create_pool(url, size=settings.database_pool_size, name=NAME, pooling=settings.pooling)
    interpreter = Interpreter()
    once = checkpointed(pool, NAME, interpreter.write, committed=interpreter.committed)
    apply = WaitForInFlightCalls(pool, once, longest_s=settings.webhooks_wait_for_calls_ms / 1000)
    consumer = event_intake(settings, pool, NAME, [STRIPE_EVENT], once, apply=apply)
    consumer.register(runtime.health)
    runtime.health.add_readiness("postgres", postgres_check(pool))
    await pool.open()
    try:
        await consumer.run(runtime.stop)
    finally:
        await pool.close()


SERVICE = Service(name=NAME, settings=WebhooksSettings, serve=serve)

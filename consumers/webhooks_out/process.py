"""The process `webhooks-out`: the intake of events, the deliveries and the replays, side by side."""

import asyncio
from functools import partial

from consumers.event_intake import event_intake
from consumers.webhooks_out.attempt import Attempts
from consumers.webhooks_out.intake import NAME, write_deliveries
from consumers.webhooks_out.on_demand import OnDemand
from consumers.webhooks_out.pool import DeliveryPool
from consumers.webhooks_out.replays import Replays
from consumers.webhooks_out.settings import WebhooksOutSettings
from event_store.privacy.pools import encrypting_pool
from event_store.privacy.vault import AnyVault, open_vault
from infra.kafka.consumer.checkpoints import checkpointed
from infra.postgres.pool import postgres_check
from infra.process.pacing import Pacing
from infra.process.runtime import Runtime
from infra.process.service import Service
from infra.webhooks_out.transport import WebhookTransport
from schemas.topics import PAYMENT


async def serve(runtime: Runtime, settings: WebhooksOutSettings) -> None:
    """Deliver webhooks until `runtime.stop` is set."""
    async with open_vault(settings, NAME) as vault:
        await _serve(runtime, settings, vault)


async def _serve(runtime: Runtime, settings: WebhooksOutSettings, vault: AnyVault) -> None:
    pool = encrypting_pool(settings, vault, name=NAME)
    wake = asyncio.Event()
    # After the commit: the deliveries can be claimed then.
    apply = checkpointed(pool, NAME, write_deliveries, committed=lambda _: wake.set())

    pacing = Pacing(0.1, per_item_s=0.01, longest_s=0.4)  # nobody waits for a webhook
    intake = OnDemand(pool, partial(event_intake, settings, pool, NAME, [PAYMENT], apply, pacing=pacing))
    intake.register(runtime.health, NAME)
    runtime.health.add_readiness("postgres", postgres_check(pool))
    transport = WebhookTransport(
        settings.webhook_addresses,
        timeout_s=settings.webhooks_out_timeout_ms / 1000,
        concurrency=settings.webhooks_out_concurrency,
    )
    attempts = Attempts(
        pool,
        transport,
        settings.secret_box,
        pauses_s=settings.webhooks_out_retry_after_s,
        disable_after_s=settings.webhooks_out_disable_after_s,
    )
    deliveries = DeliveryPool(
        pool,
        attempts.make,
        concurrency=settings.webhooks_out_concurrency,
        per_endpoint=settings.webhooks_out_per_endpoint,
        lease_ms=settings.lease_ms,
        retention_s=settings.webhooks_out_retention_s,
        wake=wake,
        vault=vault,
    )
    runtime.health.add_liveness("deliveries", deliveries.check_live)
    await pool.open()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(intake.run(runtime.stop))
            group.create_task(deliveries.run(runtime.stop))
            group.create_task(Replays(pool, wake=wake).run(runtime.stop))
    finally:
        await transport.close()
        await pool.close()


SERVICE = Service(name=NAME, settings=WebhooksOutSettings, serve=serve)

"""The process `stripe-gateway`: the intake of events and the worker pool, side by side."""

import asyncio

from consumers.event_intake import event_intake
from consumers.gateway.completion import TaskCompleter
from consumers.gateway.intake import NAME, write_tasks
from consumers.gateway.pool import WorkerPool
from consumers.gateway.settings import GatewaySettings
from consumers.gateway.worker import Worker
from consumers.stripe.payments import StripeApi
from event_store.privacy.pools import encrypting_pool
from event_store.privacy.vault import AnyVault, open_vault
from infra.kafka.consumer.checkpoints import checkpointed
from infra.postgres.pool import postgres_check
from infra.process.runtime import Runtime
from infra.process.service import Service
from infra.stripe.client import stripe_client
from infra.stripe.guard.reports import breakers_reported
from infra.stripe.guard.settings import open_stripe_guard
from schemas.topics import PAYMENT


async def serve(runtime: Runtime, settings: GatewaySettings) -> None:
    """Run intake and workers until `runtime.stop` is set."""
    async with open_vault(settings, NAME) as vault:
        await _serve(runtime, settings, vault)


async def _serve(runtime: Runtime, settings: GatewaySettings, vault: AnyVault) -> None:
    pool = encrypting_pool(settings, vault, name=NAME)
    wake = asyncio.Event()
    # After the commit: the tasks can be claimed then.
    apply = checkpointed(pool, NAME, write_tasks, committed=lambda _: wake.set())
    intake = event_intake(settings, pool, NAME, [PAYMENT], apply)
    intake.register(runtime.health)
    runtime.health.add_readiness("postgres", postgres_check(pool))
    await pool.open()
    completer = TaskCompleter(pool)
    try:
        async with (
            stripe_client(settings) as client,
            open_stripe_guard(settings) as guard,
            breakers_reported(pool, guard, NAME, runtime.stop),
        ):
            worker = Worker(
                StripeApi(client, guard, timeout_s=settings.stripe_call_timeout_s),
                completer,
                lookup_after_s=settings.gateway_lookup_after_ms / 1000,
                missing_after_s=settings.gateway_missing_after_ms / 1000,
                not_listed_after_s=settings.gateway_not_listed_after_ms / 1000,
                lease_s=settings.gateway_lease_ms / 1000,
                cards_by=settings.gateway_cards_by,
                vault=vault,
            )
            workers = WorkerPool(
                pool,
                worker.run,
                concurrency=settings.gateway_concurrency,
                lease_ms=settings.gateway_lease_ms,
                wake=wake,
                admission=guard,
            )
            runtime.health.add_liveness("workers", workers.check_live)
            runtime.health.add_readiness("stripe", guard.check, required=False)
            async with asyncio.TaskGroup() as group:
                group.create_task(intake.run(runtime.stop))
                group.create_task(workers.run(runtime.stop))
    finally:
        await completer.close()
        await pool.close()


SERVICE = Service(name=NAME, settings=GatewaySettings, serve=serve)

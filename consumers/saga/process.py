"""The process `sagas`: the intake of events and the worker, side by side."""

import asyncio

from consumers.event_intake import event_intake
from consumers.saga.intake import NAME, by_kind, topics_of, waking
from consumers.saga.registry import SAGAS
from consumers.saga.settings import SagaSettings
from consumers.saga.worker import SagaWorker
from event_store.privacy.pools import encrypting_pool
from event_store.privacy.vault import AnyVault, open_vault
from infra.kafka.consumer.checkpoints import checkpointed
from infra.postgres.pool import postgres_check
from infra.process.pacing import Pacing
from infra.process.runtime import Runtime
from infra.process.service import Service


async def serve(runtime: Runtime, settings: SagaSettings) -> None:
    """Carry sagas on until `runtime.stop` is set."""
    async with open_vault(settings, NAME) as vault:
        await _serve(runtime, settings, vault)


async def _serve(runtime: Runtime, settings: SagaSettings, vault: AnyVault) -> None:
    pool = encrypting_pool(settings, vault, name=NAME)
    sagas, wake = by_kind(SAGAS), asyncio.Event()
    # After the commit: what it woke can be locked then.
    apply = checkpointed(pool, NAME, waking(sagas), committed=lambda _: wake.set())
    # Of all payments few concern a saga: the others must not cost a transaction each.
    pacing = Pacing(0.1, per_item_s=0.01, longest_s=0.4)
    intake = event_intake(settings, pool, NAME, topics_of(sagas), apply, pacing=pacing)
    intake.register(runtime.health)
    runtime.health.add_readiness("postgres", postgres_check(pool))
    await pool.open()
    try:
        worker = SagaWorker(pool, sagas, wake=wake, vault=vault)
        runtime.health.add_liveness("worker", worker.check_live)
        async with asyncio.TaskGroup() as group:
            group.create_task(intake.run(runtime.stop))
            group.create_task(worker.run(runtime.stop))
    finally:
        await pool.close()


SERVICE = Service(name=NAME, settings=SagaSettings, serve=serve)

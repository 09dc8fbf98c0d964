"""The process `reconciliation`: the intake of requests, the schedule and the runs, side by side."""

import asyncio

from consumers.event_intake import event_intake
from consumers.reconciliation.plan import RunRules
from consumers.reconciliation.run.reconciler import Reconciler
from consumers.reconciliation.schedule.days import Schedule
from consumers.reconciliation.schedule.intake import write_tables
from consumers.reconciliation.schedule.worker import NAME, ReconciliationWorker, WorkerRules
from consumers.reconciliation.settings import ReconciliationSettings
from consumers.reconciliation.statement.api import ApiStatement
from event_store.privacy.pools import encrypting_pool
from event_store.privacy.vault import AnyVault, open_vault
from infra.kafka.consumer.checkpoints import checkpointed
from infra.postgres.pool import Plans, postgres_check
from infra.postgres.sessions import require_session
from infra.process.heartbeat import Heartbeat
from infra.process.runtime import Runtime
from infra.process.service import Service
from infra.redis.redlock import open_redlock
from infra.stripe.client import stripe_client
from infra.stripe.guard.reports import breakers_reported
from infra.stripe.guard.settings import open_stripe_guard
from schemas.topics import RECONCILIATION


async def serve(runtime: Runtime, settings: ReconciliationSettings) -> None:
    """Reconcile until `runtime.stop` is set."""
    async with open_vault(settings, NAME) as vault:
        await _serve(runtime, settings, vault)


async def _serve(runtime: Runtime, settings: ReconciliationSettings, vault: AnyVault) -> None:
    # It compares whole days: the best plan depends on how much there is.
    pool = encrypting_pool(settings, vault, name=NAME, plans=Plans.AT_EACH_CALL)
    wake = asyncio.Event()
    # After the commit: the runs are there then.
    apply = checkpointed(pool, NAME, write_tables, committed=lambda _: wake.set())
    intake = event_intake(settings, pool, NAME, [RECONCILIATION], apply)
    intake.register(runtime.health)
    runtime.health.add_readiness("postgres", postgres_check(pool))
    await require_session(settings.direct_url, user=NAME)
    await pool.open()
    try:
        async with (
            stripe_client(settings) as client,
            open_stripe_guard(settings) as guard,
            breakers_reported(pool, guard, NAME, runtime.stop),
            open_redlock(settings) as redlock,
        ):
            heartbeat = Heartbeat()
            statement = ApiStatement(client, guard, timeout_s=settings.stripe_call_timeout_s, heartbeat=heartbeat)
            reconciler = Reconciler(pool, statement, run_rules(settings), direct_url=settings.direct_url)
            worker = ReconciliationWorker(
                pool, reconciler, redlock, worker_rules(settings), wake=wake, heartbeat=heartbeat
            )
            runtime.health.add_liveness("runs", worker.check_live)
            async with asyncio.TaskGroup() as group:
                group.create_task(intake.run(runtime.stop))
                group.create_task(worker.run(runtime.stop))
    finally:
        await pool.close()


def run_rules(settings: ReconciliationSettings) -> RunRules:
    """Return how runs are to be."""
    return RunRules(
        cutoff_s=settings.reconciliation_cutoff_s,
        ledger_wait_s=settings.reconciliation_ledger_wait_ms / 1000,
        lookups=settings.reconciliation_lookups,
        partitions=settings.kafka_topic_partitions,
    )


def worker_rules(settings: ReconciliationSettings) -> WorkerRules:
    """Return how the worker is to be."""
    return WorkerRules(
        schedule=Schedule(settings.reconciliation_schedule, settings.reconciliation_time_zone),
        time_zone=settings.reconciliation_time_zone,
        catch_up_days=settings.reconciliation_catch_up_days,
        cutoff_s=settings.reconciliation_cutoff_s,
        retry_s=settings.reconciliation_retry_ms / 1000,
        attempts=settings.reconciliation_attempts,
        lock_ttl_ms=settings.reconciliation_lock_ttl_ms,
    )


SERVICE = Service(name=NAME, settings=ReconciliationSettings, serve=serve)

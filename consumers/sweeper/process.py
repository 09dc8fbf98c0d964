"""The process `sweeper`."""

from consumers.stripe.lists.lists import StripeLists
from consumers.sweeper.missed_events import EVENT_TYPES, MissedEvents
from consumers.sweeper.retention import Retention, RetentionRules
from consumers.sweeper.settings import SweeperSettings
from consumers.sweeper.sweeper import Sweeper
from event_store.privacy.pools import encrypting_pool
from event_store.privacy.vault import AnyVault, open_vault
from infra.postgres.pool import Plans, postgres_check
from infra.process.runtime import Runtime
from infra.process.service import Service
from infra.redis.redlock import open_redlock
from infra.stripe.client import stripe_client
from infra.stripe.guard.reports import breakers_reported
from infra.stripe.guard.settings import open_stripe_guard

NAME = "sweeper"


async def serve(runtime: Runtime, settings: SweeperSettings) -> None:
    """Sweep until `runtime.stop` is set."""
    async with open_vault(settings, NAME) as vault:
        await _serve(runtime, settings, vault)


async def _serve(runtime: Runtime, settings: SweeperSettings, vault: AnyVault) -> None:
    # Its statements look at a part of the log, and a plan that does not know which reads all of the tasks.
    pool = encrypting_pool(settings, vault, name=NAME, plans=Plans.AT_EACH_CALL)
    runtime.health.add_readiness("postgres", postgres_check(pool))
    await pool.open()
    try:
        async with (
            stripe_client(settings) as client,
            open_stripe_guard(settings) as guard,
            breakers_reported(pool, guard, NAME, runtime.stop),
            open_redlock(settings) as redlock,
        ):
            lists = StripeLists(client, guard, timeout_s=settings.stripe_call_timeout_s, event_types=EVENT_TYPES)
            sweeper = Sweeper(
                pool,
                redlock,
                MissedEvents(
                    pool,
                    lists,
                    overlap_s=settings.sweeper_events_overlap_s,
                    whole_interval_s=settings.sweeper_whole_listing_interval_ms / 1000,
                ),
                interval_s=settings.sweeper_interval_ms / 1000,
                wait_s=settings.sweeper_wait_ms / 1000,
                task_wait_s=settings.sweeper_task_wait_ms / 1000,
                abandoned_after_s=settings.sweeper_abandoned_after_s,
                batch=settings.sweeper_batch,
                lock_ttl_ms=settings.sweeper_lock_ttl_ms,
                retention=Retention(
                    pool,
                    RetentionRules(
                        answers_days=settings.retention_answers_days,
                        tasks_days=settings.retention_tasks_days,
                        stripe_bodies_days=settings.retention_stripe_bodies_days,
                        timeline_days=settings.retention_timeline_days,
                    ),
                ),
            )
            runtime.health.add_liveness("sweeper", sweeper.check_live)
            await sweeper.run(runtime.stop)
    finally:
        await pool.close()


SERVICE = Service(name=NAME, settings=SweeperSettings, serve=serve)

"""The process `stripe-balance`."""

from consumers.balance.poller import BalancePoller
from consumers.balance.settings import BalanceSettings
from consumers.stripe.lists.lists import StripeLists
from consumers.stripe.lists.poll import Reach
from event_store.privacy.pools import encrypting_pool
from event_store.privacy.vault import AnyVault, open_vault
from infra.postgres.pool import postgres_check
from infra.process.runtime import Runtime
from infra.process.service import Service
from infra.redis.redlock import open_redlock
from infra.stripe.client import stripe_client
from infra.stripe.guard.reports import breakers_reported
from infra.stripe.guard.settings import open_stripe_guard

NAME = "stripe-balance"


async def serve(runtime: Runtime, settings: BalanceSettings) -> None:
    """Poll until `runtime.stop` is set."""
    async with open_vault(settings, NAME) as vault:
        await _serve(runtime, settings, vault)


async def _serve(runtime: Runtime, settings: BalanceSettings, vault: AnyVault) -> None:
    pool = encrypting_pool(settings, vault, name=NAME)
    runtime.health.add_readiness("postgres", postgres_check(pool))
    await pool.open()
    try:
        async with (
            stripe_client(settings) as client,
            open_stripe_guard(settings) as guard,
            breakers_reported(pool, guard, NAME, runtime.stop),
            open_redlock(settings) as redlock,
        ):
            poller = BalancePoller(
                pool,
                StripeLists(client, guard, timeout_s=settings.stripe_call_timeout_s),
                redlock,
                Reach(overlap_s=settings.balance_overlap_s, page_size=settings.balance_page_size),
                watch_days=settings.balance_payout_watch_days,
                interval_s=settings.balance_poll_interval_ms / 1000,
                whole_interval_s=settings.balance_whole_listing_interval_ms / 1000,
                lock_ttl_ms=settings.balance_lock_ttl_ms,
            )
            runtime.health.add_liveness("balance", poller.check_live)
            await poller.run(runtime.stop)
    finally:
        await pool.close()


SERVICE = Service(name=NAME, settings=BalanceSettings, serve=serve)

"""The command API as a process: what `paystream command-api` runs."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial

from redis.asyncio import Redis

from command_api.admission import Admission
from command_api.app import create_app
from command_api.client_secrets.service import ClientSecretReader
from command_api.client_secrets.stripe_secrets import StripeClientSecrets
from command_api.commands.executor import CommandExecutor
from command_api.commands.response_cache import RedisResponseCache
from command_api.commands.service import CommandService
from command_api.commands.waiter import PollingStreamWaiter
from command_api.exports.service import ExportRecorder
from command_api.limits import limits_in_force
from command_api.operator_endpoints import operations
from command_api.payments.subject import PAYMENTS
from command_api.payouts.stripe_payouts import StripePaidTransactions
from command_api.privacy.service import PersonalDataService
from command_api.reconciliations.service import ReconciliationService
from command_api.settings import CommandApiSettings
from command_api.split_payments.subject import SPLIT_PAYMENTS
from command_api.webhook_endpoints.service import WebhookEndpointService
from command_api.webhooks.service import WebhookIntake
from event_store.event_log import GroupCommitLog
from event_store.group_commit import GroupCommit
from event_store.log_monitor import LogMonitor
from event_store.privacy.vault import AnyVault, open_vault
from event_store.split_payments import SPLIT_PAYMENT
from infra.access.keyring import ApiKeyring
from infra.access.watch import KeyWatch
from infra.http.rate_limit.limiter import RateLimiter
from infra.http.rate_limit.shared import RedisBuckets
from infra.http.server import serve as serve_http
from infra.postgres.pool import Pool, create_pool, postgres_check
from infra.process.pacing import Pacing
from infra.process.runtime import Runtime
from infra.process.service import Service
from infra.redis.client import create_redis, redis_check
from infra.stripe.client import stripe_client
from infra.stripe.guard.reports import breakers_reported
from infra.stripe.guard.settings import open_stripe_guard

NAME = "command-api"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stores:
    """PostgreSQL and Redis, and what reads and writes the log: the parts of the process share them."""

    pool: Pool
    redis: Redis
    vault: AnyVault
    monitor: LogMonitor
    appender: GroupCommit
    log: GroupCommitLog


async def serve(runtime: Runtime, settings: CommandApiSettings) -> None:
    """Serve HTTP until `runtime.stop` is set."""
    async with AsyncExitStack() as closing:
        stores = await _open_stores(closing, settings)
        runtime.health.add_readiness("database", postgres_check(stores.pool))
        runtime.health.add_readiness("event_log", partial(stores.monitor.check, stores.pool))
        runtime.health.add_readiness("redis", redis_check(stores.redis), required=False)
        payments, split_payments = await _command_services(closing, runtime, settings, stores)
        client_secrets, paid_transactions = await _stripe_readers(closing, runtime, settings, stores, payments)
        webhooks = _webhook_intake(closing, settings, stores)
        keyring = ApiKeyring.from_settings(settings)
        watch = KeyWatch(stores.pool, keyring, interval_s=settings.api_keys_refresh_ms / 1000)
        await closing.enter_async_context(watch.running())
        rate_limiter = RateLimiter.from_settings(
            settings, RedisBuckets(stores.redis), timeout_s=settings.redis_timeout_ms / 1000
        )
        closing.push_async_callback(rate_limiter.close)
        app = create_app(
            payments=payments,
            split_payments=split_payments,
            client_secrets=client_secrets,
            paid_transactions=paid_transactions,
            exports=ExportRecorder(log=stores.log),
            personal_data=PersonalDataService.from_settings(settings, stores.vault),
            webhooks=webhooks,
            reconciliations=ReconciliationService(
                pool=stores.pool, time_zone=settings.reconciliation_time_zone, timeout_s=settings.command_timeout_s
            ),
            webhook_endpoints=WebhookEndpointService(
                pool=stores.pool,
                box=settings.secret_box,
                addresses=settings.webhook_addresses,
                timeout_s=settings.command_timeout_s,
            ),
            operations=operations(
                stores.pool,
                timeout_s=settings.command_timeout_s,
                kafka_topic_partitions=settings.kafka_topic_partitions,
                access=settings.access_login,
                limits=limits_in_force(settings),
            ),
            keyring=keyring,
            health=runtime.health,
            cors_allowed_origins=settings.cors_allowed_origins,
            rate_limiter=rate_limiter,
        )
        await serve_http(app, settings.command_api_host, settings.command_api_port, runtime)


async def _open_stores(closing: AsyncExitStack, settings: CommandApiSettings) -> _Stores:
    monitor = LogMonitor()
    pool = create_pool(
        settings.database_url.get_secret_value(),
        size=settings.database_pool_size,
        name=NAME,
        configure=monitor.on_connect,
        pooling=settings.pooling,
    )
    redis = create_redis(settings)
    closing.push_async_callback(redis.aclose)
    closing.push_async_callback(pool.close)
    vault = await closing.enter_async_context(open_vault(settings, NAME))
    await pool.open()
    if settings.pooling.is_transaction:
        await closing.enter_async_context(monitor.following(pool))
    appender = GroupCommit(
        pool,
        vault=vault,
        max_event_bytes=settings.event_max_bytes,
        pacing=Pacing(0.005, per_item_s=0.01, longest_s=0.02),  # what arrives in between is appended together
    )
    closing.push_async_callback(appender.close)
    return _Stores(
        pool=pool, redis=redis, vault=vault, monitor=monitor, appender=appender, log=GroupCommitLog(pool, appender)
    )


async def _command_services(
    closing: AsyncExitStack, runtime: Runtime, settings: CommandApiSettings, stores: _Stores
) -> tuple[CommandService, CommandService]:
    """Return those of payments and of split payments. They share what may be under way, and the cache."""
    cache = RedisResponseCache(
        stores.redis, timeout_s=settings.redis_timeout_ms / 1000, epoch=lambda: stores.monitor.epoch
    )
    admission = Admission("command", settings.command_api_max_in_progress)
    split_log = GroupCommitLog(stores.pool, stores.appender, vault=stores.vault)  # its answers have personal data
    executor, split_executor = (
        CommandExecutor(
            cache=cache,
            log=its_log,
            timeout_s=settings.command_timeout_s,
            admission=admission,
            subject=subject,
            owned_stripe_ids=settings.stripe_ids_are_merchants,
        )
        for subject, its_log in ((PAYMENTS, stores.log), (SPLIT_PAYMENTS, split_log))
    )
    closing.push_async_callback(executor.close)
    closing.push_async_callback(split_executor.close)
    waiter = await closing.enter_async_context(PollingStreamWaiter(stores.pool))
    split_waiter = await closing.enter_async_context(
        PollingStreamWaiter(stores.pool, aggregate=SPLIT_PAYMENT, vault=stores.vault)
    )
    releasing = asyncio.create_task(_release_waiters_when_stopping(runtime, waiter, split_waiter))
    closing.callback(releasing.cancel)
    payments = CommandService(
        executor=executor,
        waiter=waiter,
        max_wait_s=settings.command_api_max_wait_s,
        expires_in_s=settings.payment_expires_in_s,
        card_number_exempt=settings.card_number_exempt_fields,
        cell=settings.cell,
    )
    split_payments = replace(
        payments, executor=split_executor, waiter=split_waiter, expires_in_s=settings.split_payment_expires_in_s
    )
    return payments, split_payments


async def _stripe_readers(
    closing: AsyncExitStack,
    runtime: Runtime,
    settings: CommandApiSettings,
    stores: _Stores,
    payments: CommandService,
) -> tuple[ClientSecretReader, StripePaidTransactions]:
    """Return what reads from Stripe within a request: client secrets, and what a payout pays."""
    stripe = await closing.enter_async_context(stripe_client(settings))
    guard = await closing.enter_async_context(open_stripe_guard(settings))
    await closing.enter_async_context(breakers_reported(stores.pool, guard, NAME, runtime.stop))
    timeout_s = settings.stripe_call_timeout_s
    secrets = StripeClientSecrets(stripe, guard, timeout_s=timeout_s)
    client_secrets = ClientSecretReader(log=stores.log, waiter=payments.waiter, secrets=secrets)
    return client_secrets, StripePaidTransactions(stripe, guard, timeout_s=timeout_s)


def _webhook_intake(closing: AsyncExitStack, settings: CommandApiSettings, stores: _Stores) -> WebhookIntake:
    """Return the intake of Stripe's webhooks, whose rounds are longer: Stripe does not wait for the answer."""
    appender = GroupCommit(
        stores.pool, max_event_bytes=settings.event_max_bytes, pacing=Pacing(0.05), vault=stores.vault
    )
    closing.push_async_callback(appender.close)
    return WebhookIntake.from_settings(
        settings,
        appender,
        timeout_s=settings.command_timeout_s,
        admission=Admission("webhook", settings.command_api_max_in_progress),
    )


async def _release_waiters_when_stopping(runtime: Runtime, *waiters: PollingStreamWaiter) -> None:
    """Respond to those who wait for Stripe in time: a stopping server cuts them off in the end."""
    await runtime.stop.wait()
    for waiter in waiters:
        waiter.release()


SERVICE = Service(name=NAME, settings=CommandApiSettings, serve=serve, serves_http=True)

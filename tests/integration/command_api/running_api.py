"""One process's command API, and the gateway's part played by hand."""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from redis.asyncio import Redis

from command_api.app import create_app
from command_api.client_secrets.service import ClientSecretReader
from command_api.commands.executor import CommandExecutor
from command_api.commands.response_cache import RedisResponseCache
from command_api.commands.service import CommandService
from command_api.commands.waiter import PollingStreamWaiter
from command_api.exports.service import ExportRecorder
from command_api.fakes import FixedClientSecrets, FixedPaidTransactions
from command_api.operator_endpoints import operations
from command_api.payments.subject import PAYMENTS
from command_api.privacy.service import PersonalDataService
from command_api.split_payments.subject import SPLIT_PAYMENTS
from command_api.webhook_endpoints.service import WebhookEndpointService
from domain.ids import MerchantId, PaymentId, StripeChargeId, StripeIntentId
from domain.money import Money
from domain.payment.commands import PaymentCommand
from domain.payment.observations import RecordIntentCreated, RecordSucceeded
from domain.payment.state import PaymentState
from domain.payment.values import PaymentStatus
from event_store.event_log import ConnectionLog, GroupCommitLog
from event_store.group_commit import GroupCommit
from event_store.payments import command_payment, load_payment
from event_store.privacy.vault import NoVault
from event_store.split_payments import SPLIT_PAYMENT
from infra.access.keyring import ApiKeyring
from infra.http.operations import AccessLogin, Limit
from infra.postgres.pool import Pool
from infra.process.health import Health
from infra.settings.http import ApiKey
from infra.webhooks_out.addresses import AddressPolicy
from infra.webhooks_out.secret_box import SecretBox
from schemas.envelope import EventMetadata
from tests.support.refusing_reconciliations import a_refusing_service
from tests.support.signed_webhooks import an_intake

API_KEY, OTHER_API_KEY = "sk_test_one", "sk_test_two"
MERCHANT, OTHER_MERCHANT = MerchantId("merchant_one"), MerchantId("merchant_two")


@dataclass(frozen=True, kw_only=True)
class Running:
    """What a test calls, and what it stands on."""

    client: httpx.AsyncClient
    pool: Pool

    async def create(self, key: str | None = None, **fields: Any) -> httpx.Response:
        """Ask for a payment of 1.00 USD but for `fields`."""
        body = {"user_id": "user_1", "amount_cents": 100, "currency": "USD", "payment_method": "pm_card_visa"}
        return await self.post("/payments", body | fields, key)

    async def post(
        self, path: str, body: dict[str, Any] | None = None, key: str | None = None, **headers: str
    ) -> httpx.Response:
        """Send a command; header names have underscores here."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            named["Idempotency-Key"] = key
        return await self.client.post(path, json={} if body is None else body, headers=named)

    async def succeeded(self, **fields: Any) -> str:
        """Return the id of a payment that Stripe charged in full."""
        created = (await self.create(**fields)).json()
        amount = Money(amount_cents=created["amount_cents"], currency=created["currency"])
        await self.record(
            created["id"],
            RecordIntentCreated(intent_id=StripeIntentId("pi_1"), status=PaymentStatus.REQUIRES_CONFIRMATION),
            RecordSucceeded(intent_id=StripeIntentId("pi_1"), amount_captured=amount, charge_id=StripeChargeId("ch_1")),
        )
        return str(created["id"])

    async def record(self, payment_id: str, *observations: PaymentCommand) -> int:
        """Record what Stripe said of a payment, as the gateway does; return the last position."""
        position = 0
        async with self.pool.connection() as connection:
            for observation in observations:
                payment = await load_payment(connection, PaymentId(UUID(payment_id)))
                assert payment.state is not None
                metadata = EventMetadata(correlation_id="c-1", actor="gateway", merchant_id=payment.state.merchant_id)
                decided = await command_payment(
                    ConnectionLog(connection), PaymentId(UUID(payment_id)), observation, metadata
                )
                assert decided.events
                position = decided.position
        return position

    async def state(self, payment_id: str) -> PaymentState:
        """Return the payment as the log tells it."""
        async with self.pool.connection() as connection:
            payment = await load_payment(connection, PaymentId(UUID(payment_id)))
        assert payment.state is not None
        return payment.state

    async def count(self, table: str) -> int:
        """Return the number of rows of a table of the event store."""
        async with self.pool.connection() as connection:
            cursor = await connection.execute(f"SELECT count(*) FROM event_store.{table}")
            row = await cursor.fetchone()
        assert row is not None
        return int(row[0])


def key(name: str, *scopes: str, merchant_id: MerchantId | None = MERCHANT, secret: str = "") -> ApiKey:
    """Return a key, whose secret is `sk_<name>` unless it is given; None as its merchant is the operator."""
    digest = hashlib.sha256((secret or f"sk_{name}").encode()).hexdigest()
    return ApiKey(id=name, sha256=digest, merchant_id=merchant_id, scopes=frozenset(scopes))


@asynccontextmanager
async def running(
    pool: Pool,
    redis: Redis,
    *,
    timeout_s: float = 30.0,
    keys: ApiKeyring | None = None,
    api_key: str = API_KEY,
    epoch: Callable[[], int | None] = lambda: 1,
    erasure_url: str | None = None,
    access: AccessLogin | None = None,
    limits: Sequence[Limit] = (),
) -> AsyncIterator[Running]:
    """Start what one process of the command API has, but for its port; its client has one of the keys."""
    appender = GroupCommit(pool)
    log = GroupCommitLog(pool, appender)
    cache = RedisResponseCache(redis, timeout_s=0.2, epoch=epoch)
    executor, split_executor = (
        CommandExecutor(cache=cache, log=log, timeout_s=timeout_s, subject=subject)
        for subject in (PAYMENTS, SPLIT_PAYMENTS)
    )
    async with (
        PollingStreamWaiter(pool) as waiter,
        PollingStreamWaiter(pool, aggregate=SPLIT_PAYMENT) as split_waiter,
    ):
        app = create_app(
            payments=CommandService(executor=executor, waiter=waiter, max_wait_s=30),
            split_payments=CommandService(
                executor=split_executor, waiter=split_waiter, max_wait_s=30, expires_in_s=3600
            ),
            client_secrets=ClientSecretReader(log=log, waiter=waiter, secrets=FixedClientSecrets()),
            paid_transactions=FixedPaidTransactions(),
            exports=ExportRecorder(log=log),
            personal_data=PersonalDataService(database_url=erasure_url, vault=NoVault()),
            webhooks=an_intake(appender, timeout_s=timeout_s),
            reconciliations=a_refusing_service(),
            webhook_endpoints=WebhookEndpointService(
                pool=pool,
                box=SecretBox([bytes(32)]),
                addresses=AddressPolicy(allow_private=False, allow_http=False),
                timeout_s=5,
            ),
            operations=operations(pool, timeout_s=5, kafka_topic_partitions=12, access=access, limits=limits),
            keyring=keyring() if keys is None else keys,
            health=Health(),
        )
        transport = httpx.ASGITransport(app)
        headers = {"Authorization": f"Bearer {api_key}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers) as client:
            yield Running(client=client, pool=pool)
        await executor.close()
        await split_executor.close()
        await appender.close()


def keyring() -> ApiKeyring:
    """Return the keys of two merchants."""
    scopes = ("payments:write", "webhooks:write")
    return ApiKeyring(
        [
            key("one", *scopes, secret=API_KEY),
            key("two", *scopes, secret=OTHER_API_KEY, merchant_id=OTHER_MERCHANT),
        ]
    )

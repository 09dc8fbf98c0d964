"""The command API on stand-ins."""

import hashlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest_asyncio
from fastapi import FastAPI

from command_api.app import create_app
from command_api.client_secrets.service import ClientSecretReader
from command_api.commands.executor import CommandExecutor
from command_api.commands.service import CommandService
from command_api.exports.service import ExportRecorder
from command_api.fakes import FixedClientSecrets, FixedPaidTransactions, FixedPaymentWaiter, MemoryResponseCache
from command_api.payments.subject import PAYMENTS
from command_api.privacy.service import PersonalDataService
from command_api.split_payments.subject import SPLIT_PAYMENTS
from domain.ids import MerchantId
from event_store.fakes import MemoryEventLog
from event_store.payments import PAYMENT, LoadedPayment
from event_store.privacy.vault import NoVault
from infra.access.keyring import ApiKeyring
from infra.process.health import Health
from infra.settings.http import ApiKey
from tests.support.refusing_operations import refusing_operations
from tests.support.refusing_reconciliations import a_refusing_service
from tests.support.refusing_webhook_endpoints import a_refusing_endpoint_service
from tests.support.signed_webhooks import an_intake

MERCHANT = MerchantId("merchant_test")


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a test calls, and what it stands on."""

    app: FastAPI
    client: httpx.AsyncClient
    store: MemoryEventLog
    waiter: FixedPaymentWaiter
    executor: CommandExecutor
    secrets: FixedClientSecrets

    async def create(self, content: Any = None, **headers: str) -> httpx.Response:
        """Ask for a payment; header names have underscores here."""
        body = {"user_id": "user_1", "amount_cents": 1000, "currency": "USD"} if content is None else content
        return await self.client.post(
            "/payments", json=body, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    def payment(self, payment_id: str) -> LoadedPayment:
        """Return a payment as its events tell it."""
        return PAYMENT.load(self.store.streams.get(uuid.UUID(payment_id), ()))


@pytest_asyncio.fixture
async def api() -> AsyncIterator[Standing]:
    store, waiter, secrets = MemoryEventLog(), FixedPaymentWaiter(), FixedClientSecrets()
    cache = MemoryResponseCache()
    executor = CommandExecutor(cache=cache, log=store, subject=PAYMENTS)
    split_executor = CommandExecutor(cache=cache, log=store, subject=SPLIT_PAYMENTS)
    app = create_app(
        payments=CommandService(executor=executor, waiter=waiter, max_wait_s=30),
        split_payments=CommandService(executor=split_executor, waiter=waiter, max_wait_s=30, expires_in_s=3600),
        client_secrets=ClientSecretReader(log=store, waiter=waiter, secrets=secrets),
        paid_transactions=FixedPaidTransactions(),
        exports=ExportRecorder(log=store),
        personal_data=PersonalDataService(database_url=None, vault=NoVault()),
        webhooks=an_intake(store),
        reconciliations=a_refusing_service(),
        webhook_endpoints=a_refusing_endpoint_service(),
        operations=refusing_operations(),
        keyring=ApiKeyring(
            [
                _key("writer", {"payments:write"}),
                _key("staff", {"payments:write", "actor:set"}),
                _key("reader", {"payments:read"}),
                _key("exporter", {"payments:read", "actor:set"}),
                _key("other", {"payments:write"}, MerchantId("other")),
                _key("webhooks", {"webhooks:write"}),
                _key("finance", {"finance:write"}, None),
                _key("finance_reader", {"finance:read"}, None),
                _key("operator", {"admin:read", "admin:write"}, None),
            ],
        ),
        health=Health(),
    )
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": "Bearer sk_writer"}
    async with httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers) as client:
        yield Standing(app=app, client=client, store=store, waiter=waiter, executor=executor, secrets=secrets)


def _key(key_id: str, scopes: set[str], merchant_id: MerchantId | None = MERCHANT) -> ApiKey:
    digest = hashlib.sha256(f"sk_{key_id}".encode()).hexdigest()
    return ApiKey(id=key_id, sha256=digest, merchant_id=merchant_id, scopes=frozenset(scopes))

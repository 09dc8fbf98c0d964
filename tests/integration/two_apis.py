"""Both APIs as processes of their own, over one database, without Stripe."""

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from infra.embedded.ports import free_port
from infra.embedded.valkey import ValkeyServer
from tests.support.database import Database
from tests.support.signed_webhooks import SECRET
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
KEY = "sk_test_made_up"
AUTHORIZATION = f"Bearer {KEY}"
USED_KEY = "used-key"
"""The idempotency key that the payment of `made_things` was created with."""
PAYMENT = {"user_id": "user_1", "amount_cents": 1000, "currency": "USD", "payment_method": "pm_card_visa"}
_NOBODY = "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"
_LACKING = ("delivery_id", "reconciliation_id", "discrepancy_id", "task_id", "saga_id", "key_id")
_SCOPES = [
    *("payments:write", "refunds:write", "payments:read", "finance:write", "finance:read"),
    *("webhooks:write", "actor:set", "admin:read", "admin:write"),
]


@dataclass(frozen=True, kw_only=True)
class Apis:
    """Their addresses, and where each writes its log."""

    command: str
    query: str
    logs: Mapping[str, Path]


@asynccontextmanager
async def two_apis(database: Database, valkey: ValkeyServer, folder: Path, **settings: str) -> AsyncIterator[Apis]:
    """Run both with one API key, KEY; `settings` are for both."""
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    keys = json.dumps([{"id": "one", "sha256": digest, "merchant_id": "merchant_test", "scopes": _SCOPES}])
    command_port, query_port = free_port(), free_port()
    commands = {
        "DATABASE_URL": database.url("app"),
        "ERASURE_DATABASE_URL": database.url("erasure"),
        "ACCESS_DATABASE_URL": database.url("access"),
        "REDIS_URL": valkey.url,
        "COMMAND_API_PORT": str(command_port),
        "COMMAND_API_MAX_WAIT_S": "0",
        "STRIPE_SECRET_KEY": "sk_test_integration",
        "STRIPE_API_BASE": "http://127.0.0.1:9",
        "STRIPE_WEBHOOK_SECRET": SECRET,
    }
    queries = {
        "READ_DATABASE_URL": database.url("query"),
        "AUDIT_DATABASE_URL": database.url("audit"),
        "QUERY_API_PORT": str(query_port),
        "QUERY_MIN_POSITION_WAIT_MS": "0",
    }
    common = {"API_KEYS": keys, **settings}
    async with AsyncExitStack() as running:
        command = await running.enter_async_context(_process("command-api", command_port, folder, commands | common))
        query = await running.enter_async_context(_process("query-api", query_port, folder, queries | common))
        yield Apis(
            command=command, query=query, logs={name: folder / f"{name}.log" for name in ("command-api", "query-api")}
        )


async def made_things(address: str) -> dict[str, str]:
    """Make one of each thing, and a second webhook endpoint; return what paths name, also what nothing has."""
    async with httpx.AsyncClient(base_url=address, headers={"Authorization": AUTHORIZATION}) as client:

        async def made(path: str, body: object, key: str = "x") -> str:
            answer = await client.post(path, json=body, headers={"Idempotency-Key": key})
            assert answer.status_code == 201, answer.text
            return str(answer.json()["id"])

        legs = [{"amount_cents": 500, "payment_method": "pm_card_visa"}] * 2
        split = {"user_id": "user_1", "currency": "USD", "legs": legs}
        await made("/webhook-endpoints", {"url": "https://second.example/"})
        return {
            "payment_id": await made("/payments", PAYMENT, USED_KEY),
            "split_payment_id": await made("/split-payments", split, "another-key"),
            "endpoint_id": await made("/webhook-endpoints", {"url": "https://first.example/"}),
            **dict.fromkeys(_LACKING, _NOBODY),
            "dead_letter_id": "1",
            "payout_id": "po_nobody",
            "stripe_event_id": "evt_nobody",
            "merchant_id": "nobody",
            "name": "nobody",
            "subject": "1",
        }


@asynccontextmanager
async def _process(name: str, port: int, folder: Path, environment: Mapping[str, str]) -> AsyncIterator[str]:
    """Run a process of ours until it is ready; yield its address."""
    address = f"http://127.0.0.1:{port}"
    with (folder / f"{name}.log").open("wb") as output:
        started = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "infra.cli", name),
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=output,
        )
    try:
        async with httpx.AsyncClient() as client:
            await eventually(
                lambda: client.get(f"{address}/health/ready"), lambda answer: answer.status_code == 200, within=60
            )
        yield address
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()

"""The process as it is deployed: it becomes ready, serves over TCP, and stops in good order."""

import asyncio
import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from infra.embedded.ports import free_port
from infra.embedded.valkey import ValkeyServer
from tests.integration.command_api.running_api import API_KEY, MERCHANT
from tests.support.database import Database
from tests.support.paystream_command import paystream
from tests.support.signed_webhooks import SECRET
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]

CREATE = {"user_id": "user_1", "amount_cents": 100, "currency": "USD"}


@pytest_asyncio.fixture
async def process(
    database: Database, valkey: ValkeyServer, tmp_path: Path
) -> AsyncIterator[tuple[asyncio.subprocess.Process, httpx.AsyncClient, Path]]:
    port, log = free_port(), tmp_path / "log"
    key = {
        "id": "one",
        "sha256": hashlib.sha256(API_KEY.encode()).hexdigest(),
        "merchant_id": MERCHANT,
        "scopes": ["payments:write"],
    }
    environment = {
        "DATABASE_URL": database.url("app"),
        "REDIS_URL": valkey.url,
        "API_KEYS": json.dumps([key]),
        "COMMAND_API_PORT": str(port),
        "STRIPE_SECRET_KEY": "sk_test_integration",
        "STRIPE_WEBHOOK_SECRET": SECRET,
    }
    with log.open("wb") as output:
        started = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "infra.cli",
                "command-api",
            ),
            env=os.environ | environment,
            stdout=output,
        )
    headers = {"Authorization": f"Bearer {API_KEY}"}
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=20) as client:
            yield started, client, log
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return bool((await client.get("/health/ready")).json()["status"] == "ok")
    except httpx.TransportError:
        return False


async def test_it_serves_and_answers_those_who_wait_when_it_is_told_to_stop(
    process: tuple[asyncio.subprocess.Process, httpx.AsyncClient, Path],
) -> None:
    started, client, log = process

    async def accepted() -> bool:
        return "payment_accepted" in await asyncio.to_thread(log.read_text)

    await eventually(lambda: is_ready(client), within=60)
    waiting = asyncio.create_task(client.post("/payments", json=CREATE, headers={"Prefer": "wait=20"}))
    await eventually(accepted)
    started.send_signal(signal.SIGTERM)
    answer = await waiting
    assert (answer.status_code, answer.json()["status"]) == (201, "pending")
    assert await asyncio.wait_for(started.wait(), 15) == 0
    (line,) = [line for line in map(json.loads, log.read_text().splitlines()) if line["event"] == "payment_accepted"]
    assert line["payment_id"] == answer.json()["id"]
    assert (line["amount_cents"], line["currency"], line["user_id"]) == (100, "USD", "user_1")
    assert API_KEY not in log.read_text()


async def test_a_key_of_the_command_line_opens_it_until_it_is_revoked(
    process: tuple[asyncio.subprocess.Process, httpx.AsyncClient, Path], database: Database, tmp_path: Path
) -> None:
    _, client, log = process
    settings = {"access_database_url": database.url("access")}

    async def run(*arguments: str) -> str:
        ended = await paystream(*arguments, "--reason", "a test", cwd=tmp_path, settings=settings)
        assert ended.code == 0, ended.errors
        return ended.output.strip()

    async def status() -> int:
        answer = await client.post("/payments", json=CREATE, headers={"Authorization": f"Bearer {key}"})
        return answer.status_code

    await eventually(lambda: is_ready(client), within=60)
    await run("merchants", "create", "shop")
    key = await run("keys", "create", "--merchant", "shop")
    await eventually(status, lambda code: code == 201)
    answer = await client.post("/payments", json=CREATE, headers={"Authorization": f"Bearer {key}"})
    assert answer.headers["ratelimit-policy"] == '"write";q=10000;w=2'
    await run("keys", "revoke", key[:17])
    revoked_at = time.monotonic()
    await eventually(status, lambda code: code == 401)
    assert time.monotonic() - revoked_at < 6
    assert key not in log.read_text()

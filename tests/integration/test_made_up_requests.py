"""Requests made up from the OpenAPI documents, right and wrong ones, against real processes.

https://schemathesis.readthedocs.io: nothing that a document lets a client send is answered with what the document does
not say, or with a 500; and nothing that it forbids is taken.
"""

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from event_store.store import Connection
from infra.embedded.ports import free_port
from infra.embedded.valkey import ValkeyServer
from infra.postgres.pool import create_pool
from tests.support.database import Database
from tests.support.read_model import load_log, project_log
from tests.support.signed_webhooks import SECRET
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
DOCUMENTS = ROOT / "schemas" / "exported" / "openapi"
KEY = "sk_test_made_up"
SEED = "1"
_CONFIG = """
[parameters]
"path.payment_id" = "{payment_id}"

[generation]
database = "none"
# A header that nobody knows is passed over, as HTTP has it. Other tests send parameters that nobody knows.
allow-extra-parameters = false

[checks.not_a_server_error]
# 502 and 503 are documented: Stripe is away here, and a position far ahead never comes.
expected-statuses = ["2xx", "3xx", "4xx", "502", "503"]
"""
# What the domain refuses is well-formed all the same: an amount below the currency's minimum, or a cursor of nobody's.
_NOT_CHECKED = "positive_data_acceptance"


@dataclass(frozen=True, kw_only=True)
class Apis:
    command: str
    query: str
    payment_id: str


@asynccontextmanager
async def process(name: str, port: int, folder: Path, **environment: str) -> AsyncIterator[str]:
    """Run a process of ours until it is ready; yield its address."""
    address = f"http://127.0.0.1:{port}"
    with (folder / f"{name}.log").open("wb") as output:
        started = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "infra.cli", name),
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
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


@pytest_asyncio.fixture
async def apis(database: Database, app: Connection, valkey: ValkeyServer, tmp_path: Path) -> AsyncIterator[Apis]:
    """Both APIs over one database, without Stripe, and a payment."""
    scopes = ["payments:write", "payments:read", "webhooks:write", "actor:set"]
    scopes += ["finance:write", "finance:read", "admin:read", "admin:write"]
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    keys = json.dumps([{"id": "one", "sha256": digest, "merchant_id": "merchant_test", "scopes": scopes}])
    command_port, query_port = free_port(), free_port()
    async with AsyncExitStack() as running:
        command = await running.enter_async_context(
            process(
                "command-api",
                command_port,
                tmp_path,
                DATABASE_URL=database.url("app"),
                REDIS_URL=valkey.url,
                API_KEYS=keys,
                COMMAND_API_PORT=str(command_port),
                COMMAND_API_MAX_WAIT_S="0",
                STRIPE_SECRET_KEY="sk_test_integration",
                STRIPE_API_BASE="http://127.0.0.1:9",
                STRIPE_WEBHOOK_SECRET=SECRET,
            )
        )
        query = await running.enter_async_context(
            process(
                "query-api",
                query_port,
                tmp_path,
                READ_DATABASE_URL=database.url("query"),
                AUDIT_DATABASE_URL=database.url("audit"),
                API_KEYS=keys,
                QUERY_API_PORT=str(query_port),
                QUERY_MIN_POSITION_WAIT_MS="0",
            )
        )
        yield Apis(command=command, query=query, payment_id=await _payment(command, database, app))


async def _payment(command: str, database: Database, app: Connection) -> str:
    body = {"user_id": "user_1", "amount_cents": 1000, "currency": "USD", "payment_method": "pm_card_visa"}
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}) as client:
        made = await client.post(f"{command}/payments", json=body)
    async with create_pool(database.url("projector"), size=2, name="projector-test") as pool:
        await project_log(pool, await load_log(app))
    await app.commit()  # what follows takes longer than a transaction may stand open
    return str(made.json()["id"])


@pytest.mark.parametrize(("document", "examples"), [("command-api", 40), ("query-api", 25)])
async def test_every_answer_is_one_that_the_document_names(
    apis: Apis, tmp_path: Path, document: str, examples: int
) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text(_CONFIG.format(payment_id=apis.payment_id))
    run = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config), "run"),
        str(DOCUMENTS / f"{document}.json"),
        *("--url", apis.command if document == "command-api" else apis.query),
        *(
            "--header",
            f"Authorization: Bearer {KEY}",
            "--checks",
            "all",
            "--exclude-checks",
            _NOT_CHECKED,
            "--phases",
            "examples,coverage,fuzzing",
        ),
        *("--max-examples", str(examples), "--seed", SEED, "--no-shrink"),
        *("--continue-on-failure", "--no-color", "--warnings", "off", "--request-timeout", "20"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await run.communicate()
    assert run.returncode == 0, output.decode()

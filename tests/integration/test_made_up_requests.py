"""Requests made up from the OpenAPI documents, right and wrong ones, against real processes.

https://schemathesis.readthedocs.io: nothing that a document lets a client send is answered with what the document does
not say, or with a 500; and nothing that it forbids is taken.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from event_store.store import Connection
from infra.embedded.valkey import ValkeyServer
from infra.postgres.pool import create_pool
from tests.integration.two_apis import AUTHORIZATION, made_things, two_apis
from tests.support.database import Database
from tests.support.exported_schemas import EXPORTED
from tests.support.read_model import load_log, project_log

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(180)]

SEED = "1"
_PHASES = "examples,coverage,fuzzing"
_CONFIG = """
[parameters]
{ids}

[generation]
database = "none"
# A header that nobody knows is passed over, as HTTP has it. Other tests send parameters that nobody knows.
allow-extra-parameters = false

[checks.not_a_server_error]
# 502 and 503 are documented: Stripe is away here, and a position far ahead never comes.
expected-statuses = ["2xx", "3xx", "4xx", "502", "503"]
"""
_POSITIVE = "positive_data_acceptance"
# What is well-formed may be refused all the same: by the domain, or as something is away. Not as ill-formed (400).
_ACCEPTED = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "304", "403", "404", "409", "410", "413", "422", "429", "501", "502", "503"]
"""
# What the documents do not say: which cursors were given, which zones there are, of which cell a position is, what two
# parameters may be together, and that PostgreSQL keeps no U+0000.
_HOOKS = """
import schemathesis

NOT_OF_A_SCHEMA = {"after", "cursor", "time_zone", "version"}


@schemathesis.hook
def map_query(context, query):
    kept = {name: value for name, value in (query or {}).items() if name not in NOT_OF_A_SCHEMA}
    if "date_to" in kept:
        kept["date_to"] = kept.get("date_from", kept["date_to"])
    return {name: value.replace("\\0", "") if isinstance(value, str) else value for name, value in kept.items()}


@schemathesis.hook
def map_headers(context, headers):
    kept = {name: value for name, value in (headers or {}).items() if name != "Paystream-Position-Token"}
    return {**kept, "Paystream-Actor": "anna"} if "Paystream-Actor" in kept else kept
"""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    command: str
    query: str
    ids: dict[str, str]


@pytest_asyncio.fixture
async def apis(database: Database, app: Connection, valkey: ValkeyServer, tmp_path: Path) -> AsyncIterator[Addresses]:
    """Both APIs, and one of each thing."""
    async with two_apis(database, valkey, tmp_path) as running:
        ids = await made_things(running.command)
        async with create_pool(database.url("projector"), size=2, name="projector-test") as pool:
            await project_log(pool, await load_log(app))
        await app.commit()  # what follows takes longer than a transaction may stand open
        yield Addresses(command=running.command, query=running.query, ids=ids)


@pytest.mark.parametrize(("document", "examples"), [("command-api", 20), ("query-api", 20)])
async def test_every_answer_is_one_that_the_document_names(
    apis: Addresses, tmp_path: Path, document: str, examples: int
) -> None:
    faults = await faults_of(apis, document, tmp_path, ["all", "--exclude-checks", _POSITIVE], examples=examples)
    assert faults is None, faults


@pytest.mark.parametrize("document", ["command-api", "query-api"])
async def test_what_a_document_allows_is_not_refused_as_ill_formed(
    apis: Addresses, tmp_path: Path, document: str
) -> None:
    (tmp_path / "hooks.py").write_text(_HOOKS)
    checked = [_POSITIVE, "--mode", "positive", "--exclude-path", "/webhooks/stripe"]  # nobody but Stripe can sign
    faults = await faults_of(apis, document, tmp_path, checked, examples=10, phases="fuzzing")
    assert faults is None, faults


async def faults_of(
    apis: Addresses, document: str, folder: Path, checks: list[str], *, examples: int, phases: str = _PHASES
) -> str | None:
    """Run the checks; return what they say of the answers, None if they find nothing."""
    config = folder / "schemathesis.toml"
    ids = "\n".join(f'"path.{name}" = "{value}"' for name, value in apis.ids.items())
    config.write_text(_CONFIG.format(ids=ids) + _ACCEPTED)
    run = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config), "run"),
        str(EXPORTED / "openapi" / f"{document}.json"),
        *("--url", apis.command if document == "command-api" else apis.query),
        *("--header", f"Authorization: {AUTHORIZATION}", "--checks", *checks, "--phases", phases),
        *("--max-examples", str(examples), "--seed", SEED, "--no-shrink"),
        *("--continue-on-failure", "--no-color", "--warnings", "off", "--request-timeout", "20"),
        cwd=folder,
        env={**os.environ, **({"SCHEMATHESIS_HOOKS": "hooks"} if (folder / "hooks.py").exists() else {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await run.communicate()
    return None if run.returncode == 0 else output.decode()

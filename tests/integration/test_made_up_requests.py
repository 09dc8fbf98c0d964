"""Requests made up from the OpenAPI documents, right and wrong ones, against real processes.

https://schemathesis.readthedocs.io: nothing that a document lets a client send is answered with what the document does
not say, or with a 500; and nothing that it forbids is taken.
"""

import asyncio
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
# What the domain refuses is well-formed all the same: an amount below the currency's minimum, or a cursor of nobody's.
_NOT_CHECKED = "positive_data_acceptance"


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
    config = tmp_path / "schemathesis.toml"
    ids = "\n".join(f'"path.{name}" = "{value}"' for name, value in apis.ids.items())
    config.write_text(_CONFIG.format(ids=ids))
    run = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config), "run"),
        str(EXPORTED / "openapi" / f"{document}.json"),
        *("--url", apis.command if document == "command-api" else apis.query),
        *(
            "--header",
            f"Authorization: {AUTHORIZATION}",
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

"""The published documents keep the rules of the two linters that people use, but for those in `schemas/rules/`."""

import pytest

from tests.clients import toolbox
from tests.clients.generated import APIS, document
from tests.clients.toolbox import run
from tests.support.exported_schemas import EXPORTED

RULES = EXPORTED.parent / "rules"
pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]


@pytest.mark.needs_tools_of("Spectral")
async def test_spectral_finds_nothing_in_the_published_documents() -> None:
    spectral = await toolbox.node_modules() / ".bin" / "spectral"
    documents = (EXPORTED / "asyncapi.json", *(document(api) for api in APIS))
    ruleset = ("--ruleset", RULES / "spectral.yaml", "--fail-severity", "hint")
    await run(spectral, "lint", *ruleset, *documents, cwd=EXPORTED)


@pytest.mark.needs_tools_of("Redocly")
async def test_redocly_finds_nothing_in_the_published_documents() -> None:
    redocly = await toolbox.node_modules() / ".bin" / "redocly"
    documents = (document(api) for api in APIS)
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    await run(redocly, "lint", "--config", RULES / "redocly.yaml", *documents, cwd=EXPORTED, environment=quiet)

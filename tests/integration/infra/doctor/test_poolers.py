"""What the doctor says of processes behind a real PgBouncer in transaction mode."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio

from event_store.relay.process import RelaySettings
from infra.doctor.deployment import Deployment, Process
from infra.doctor.examine import examine
from infra.doctor.finding import Finding, Status
from infra.embedded.postgres import PostgresServer
from infra.settings.postgres import DatabaseSettings, ReadDatabaseSettings
from infra.settings.process import ProcessSettings
from tests.support.database import Database
from tests.support.pgbouncer import PgBouncer, lacking, pgbouncer

pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.skipif(lacking() is not None, reason=f"NOT TESTED BEHIND PGBOUNCER: {lacking()}"),
]

SETTINGS: Mapping[str, type[ProcessSettings]] = {
    "command-api": DatabaseSettings,
    "query-api": ReadDatabaseSettings,
    "relay": RelaySettings,
}
SUBJECTS = ("pooler", "sessions")


@pytest_asyncio.fixture
async def pooler(session_postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[PgBouncer]:
    async with pgbouncer(session_postgres, tmp_path / "pgbouncer") as running:
        yield running


@pytest.fixture
def pooled(pooler: PgBouncer, database: Database) -> dict[str, str]:
    """What processes find that are set up as they should be."""
    return {
        "DATABASE_URL": pooler.behind(database.url("app")),
        "READ_DATABASE_URL": pooler.behind(database.url("query")),
        "DATABASE_DIRECT_URL": database.url("relay"),
        "DATABASE_POOLER": "transaction",
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
    }


async def said(variables: dict[str, str], *names: str) -> list[Finding]:
    processes = (Process(name=name, settings=SETTINGS[name], variables=variables) for name in names or SETTINGS)
    found = await examine(Deployment(processes=tuple(processes)))
    return [each for each in found if each.area == "PostgreSQL"]


def of_poolers(found: list[Finding]) -> list[tuple[str, Status]]:
    return sorted((each.subject, each.status) for each in found if each.subject in SUBJECTS)


async def test_all_is_well_when_each_process_has_what_it_needs(pooled: dict[str, str]) -> None:
    found = await said(pooled)
    assert [each for each in found if each.status is Status.ERROR] == []
    assert of_poolers(found) == [("pooler", Status.OK), ("pooler", Status.OK), ("sessions", Status.OK)]
    unseen = [each.detail for each in found if each.subject == "connections" and each.status is Status.SKIPPED]
    assert {"without a pooler" in each for each in unseen} == {True}


async def test_a_relay_behind_it_is_an_error(pooled: dict[str, str]) -> None:
    found = await said({**pooled, "DATABASE_DIRECT_URL": ""}, "relay")
    (error,) = [each for each in found if each.subject == "sessions"]
    assert error.status is Status.ERROR
    assert "of relay, locks would be granted twice" in error.detail
    assert "DATABASE_DIRECT_URL" in str(error.remedy)


async def test_a_pooler_that_no_setting_names_is_an_error(pooled: dict[str, str]) -> None:
    found = await said({**pooled, "DATABASE_POOLER": ""}, "command-api", "query-api")
    assert of_poolers(found) == [("pooler", Status.ERROR)] * 2
    assert {each.remedy for each in found if each.subject == "pooler"} == {"Set DATABASE_POOLER=transaction."}


async def test_one_that_keeps_no_statements_is_told_apart(pooled: dict[str, str]) -> None:
    """Debian's 1.18 keeps none."""
    (found,) = [
        each
        for each in await said({**pooled, "DATABASE_POOLER_PREPARES": "true"}, "command-api")
        if each.subject == "pooler"
    ]
    assert (found.status, "no prepared statements" in found.detail) == (Status.ERROR, True)


async def test_a_pooler_that_is_none_is_a_warning(pooled: dict[str, str], database: Database) -> None:
    found = await said({**pooled, "DATABASE_URL": database.url("app")}, "command-api")
    assert of_poolers(found) == [("pooler", Status.WARNING)]


async def test_a_login_without_its_guard_is_an_error(
    pooled: dict[str, str], pooler: PgBouncer, session_postgres: PostgresServer
) -> None:
    found = await said(
        {**pooled, "DATABASE_URL": pooler.behind(session_postgres.url(database="postgres"))}, "command-api"
    )
    (error,) = [each for each in found if each.subject == "pooler"]
    assert (error.status, "apply_login_settings" in str(error.remedy)) == (Status.ERROR, True)

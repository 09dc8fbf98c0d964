"""What an older release showed is shown by this one: as it stands, and built anew from the log or from the topics."""

from typing import Any

import httpx
import psycopg
import pytest

from event_store.store import Connection
from infra.postgres.pool import Pool
from projections.audit.invariants import Checked, violations
from projections.verify import differences
from schemas.events import EVENT_TYPES
from tests.integration.upgrade.answers import lost, read_everything
from tests.integration.upgrade.consuming import project
from tests.integration.upgrade.fixture_files import Fixture
from tests.integration.upgrade.restored import empty_read_model, rows_of
from tests.support.database import Database
from tests.support.read_model import load_log, project_log
from tests.support.rebuilds import rebuilding

pytestmark = [pytest.mark.integration, pytest.mark.slow]

UPCAST = {each.name: each for each in EVENT_TYPES if each.version > 1}
NOT_YET = {"0.1.0": {"payment.contradiction_resolved"}, "0.2.0": set[str]()}
"""Types that a release had no events of."""


async def lost_answers(release: Fixture, query: httpx.AsyncClient, *, anew: bool = False) -> list[str]:
    return lost(release.answers, await read_everything(query, release.manifest.payments.values()), anew=anew)


def without_places_of_refunds(rows: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Return all but where refunds stand in the ledger: of one that was pending, that changes when it is built anew."""
    refunds = ("refund", "refund_failure")
    at = {(each["position"], each["number"]) for each in rows["ledger_entries"] if each["category"] in refunds}
    return rows | {
        "ledger_entries": [each for each in rows["ledger_entries"] if each["category"] not in refunds],
        "ledger_lines": [each for each in rows["ledger_lines"] if (each["position"], each["number"]) not in at],
        "ledger_movements": [each for each in rows["ledger_movements"] if each["category"] not in refunds],
        "ledger_quarters": [],
    }


async def build_new(database: Database, release: Fixture) -> None:
    """Build the projections whose topics the release had, but not them: as an operator does after the upgrade."""
    for projection in ("payouts", "payment_totals"):
        async with rebuilding(database, projection, partitions=release.manifest.partitions) as work:
            build, comparison = await work.build()
            await work.swap(build, comparison, forced=False, reason=None)


async def read_model(database: Database) -> dict[str, list[Any]]:
    """Return all its rows; those of payments and their timelines are what a replay of the log says."""
    async with await psycopg.AsyncConnection.connect(database.url("projector"), autocommit=True) as conn:
        assert await differences(conn, conn) == []
    async with await psycopg.AsyncConnection.connect(database.url("owner")) as conn:
        return await rows_of(conn, "read_model")


async def test_it_shows_what_it_showed(release: Fixture, query: httpx.AsyncClient) -> None:
    assert len(release.answers) > 2 * len(release.manifest.payments)
    assert await lost_answers(release, query) == []


async def test_one_that_is_built_anew_from_the_log_is_the_same(
    *, release: Fixture, query: httpx.AsyncClient, database: Database, app: Connection, projector_pool: Pool
) -> None:
    await project(projector_pool, release)  # what the release did not have yet
    await build_new(database, release)
    before = await read_model(database)
    await empty_read_model(database.url("owner"))
    assert (await query.get("/payments")).json()["data"] == []
    await project_log(projector_pool, await load_log(app), partitions=release.manifest.partitions)
    assert await lost_answers(release, query, anew=True) == []
    assert without_places_of_refunds(await read_model(database)) == without_places_of_refunds(before)


async def test_one_that_is_built_anew_from_the_topics_is_the_same(
    release: Fixture, query: httpx.AsyncClient, database: Database, projector_pool: Pool
) -> None:
    await project(projector_pool, release)  # what the release did not have yet
    await build_new(database, release)
    before = await read_model(database)
    await empty_read_model(database.url("owner"))
    await project(projector_pool, release)
    assert await lost_answers(release, query, anew=True) == []
    assert without_places_of_refunds(await read_model(database)) == without_places_of_refunds(before)


@pytest.mark.parametrize("projection", ["payments", "payment_timeline", "reconciliation"])
async def test_events_of_older_schema_versions_are_rebuilt_into_the_same_rows(
    release: Fixture, database: Database, app: Connection, projector_pool: Pool, projection: str
) -> None:
    await project(projector_pool, release)  # what the release did not have yet
    older = {event.type for event in await load_log(app) if event.schema_version == 1} & UPCAST.keys()
    assert older >= UPCAST.keys() - NOT_YET[release.manifest.version]
    async with rebuilding(database, projection, partitions=release.manifest.partitions) as work:
        build, comparison = await work.build()
        assert comparison.differences == []
        await work.swap(build, comparison, forced=False, reason=None)
    async with await psycopg.AsyncConnection.connect(database.url("audit"), autocommit=True) as auditor:
        found = violations(auditor, partitions=release.manifest.partitions, checked=Checked())
        assert [each async for each in found if each.invariant == "readable"] == []

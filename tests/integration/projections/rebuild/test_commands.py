"""`paystream projections`, as an operator runs it."""

import json
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import pytest
import pytest_asyncio

from event_store.store import Connection as AppConnection
from infra.postgres.pool import Connection
from projections.scratch import TABLES
from tests.support.database import Database
from tests.support.paystream_command import Ended, paystream
from tests.support.rebuilds import PARTITIONS, LogProjector, rebuilding, store_payments

pytestmark = [pytest.mark.integration, pytest.mark.slow]

Run: TypeAlias = Callable[..., Awaitable[Ended]]


@pytest_asyncio.fixture
async def run(database: Database, app: AppConnection, projector: LogProjector, tmp_path: Path) -> Run:
    settings = {
        "migration_database_url": database.url("owner"),
        "kafka_bootstrap_servers": "127.0.0.1:1",
        "kafka_topic_partitions": PARTITIONS,
    }
    await store_payments(app, random.Random(1), 8)
    await projector.catch_up()

    async def command(*arguments: str) -> Ended:
        return await paystream("projections", *arguments, cwd=tmp_path, settings=settings, within=60)

    return command


async def test_a_projection_is_rebuilt_swapped_and_dropped(run: Run) -> None:
    built = await run("rebuild", "payments", "--actor", "ana")
    assert (built.code, built.errors) == (0, "")
    assert "nothing differs from the live tables" in built.output
    (status,) = map(json.loads, (await run("status", "--json")).output.splitlines())
    assert (status["phase"], status["started_by"], status["differences"]) == ("compared", "ana", 0)
    assert (status["is_worked_on"], status["lag_events"]) == (False, 0)
    assert status["size_bytes"] > 0

    swapped = await run("swap", "payments", "--actor", "ben")
    assert (swapped.code, "is live since position" in swapped.output) == (0, True), swapped.errors
    dropped = await run("drop", "payments")
    assert (dropped.code, "are gone" in dropped.output) == (0, True), dropped.errors
    (status,) = map(json.loads, (await run("status", "payments", "--json")).output.splitlines())
    assert (status["phase"], status["swapped_by"], status["forced"]) == ("dropped", "ben", False)
    table = (await run("status")).output
    assert "dropped" in table
    assert "ben" in table


async def test_several_are_rebuilt_at_once_and_those_that_are_equal_swapped(run: Run, owner: Connection) -> None:
    await owner.execute("UPDATE read_model.payments SET status = 'refunded' WHERE version > 2")
    built = await run("rebuild", "payments", "payment_timeline", "ledger", "ledger", "--swap")
    assert (built.code, built.errors) == (1, "")
    assert 'status is "refunded", not' in built.output
    states = {each["projection"]: each for each in map(json.loads, (await run("status", "--json")).output.splitlines())}
    phases = {name: each["phase"] for name, each in states.items()}
    assert phases == {"payments": "compared", "payment_timeline": "swapped", "ledger": "swapped"}


async def test_rows_that_differ_are_named_and_a_swap_needs_force_and_a_reason(run: Run, owner: Connection) -> None:
    await owner.execute("UPDATE read_model.payments SET status = 'refunded' WHERE version > 2")
    built = await run("rebuild", "payments", "--swap", "--limit", "2")
    assert (built.code, built.errors) == (1, "")
    assert 'status is "refunded", not' in built.output
    assert "2 rows differ from the live ones, or more" in built.output
    refused = await run("swap", "payments")
    assert (refused.code, "--force --reason" in refused.errors) == (1, True)
    unexplained = await run("swap", "payments", "--force")
    assert (unexplained.code, "needs a --reason" in unexplained.errors) == (2, True)
    forced = await run("swap", "payments", "--force", "--reason", "a column has a new meaning", "--json")
    assert forced.code == 0, forced.errors
    assert json.loads(forced.output.splitlines()[-1])["attempts"] >= 1
    (status,) = map(json.loads, (await run("status", "--json")).output.splitlines())
    assert (status["forced"], status["reason"]) == (True, "a column has a new meaning")


async def test_all_projections_are_listed_with_how_far_they_are(run: Run, app: AppConnection) -> None:
    await store_payments(app, random.Random(2), 1)  # which nobody has projected
    listed = {each["projection"]: each for each in map(json.loads, (await run("list", "--json")).output.splitlines())}
    assert listed.keys() == TABLES.keys()
    assert listed["payments"]["lag_events"] > 0
    assert listed["ledger"]["tables"] == list(TABLES["ledger"])
    assert listed["reconciliation"]["position"] is None
    table = await run("list")
    assert (table.code, "payment_timeline" in table.output) == (0, True), table.errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rebuild", "nonsense"], "there is no projection 'nonsense'"),
        (["rebuild", "payments", "nonsense"], "there is no projection 'nonsense'"),
        (["swap", "payments"], "there is no build of payments"),
        (["swap", "payments", "--reason", "x"], "is for --force"),
        (["drop", "payments"], "no tables of payments were replaced"),
        (["drop", "payments", "--unfinished"], "there is no unfinished build"),
        (["rebuild", "reconciliation"], "start the projector"),
    ],
)
async def test_what_cannot_be_done_is_said_in_words(run: Run, arguments: list[str], said: str) -> None:
    refused = await run(*arguments)
    code = 2 if "nonsense" in said or "--force" in said else 1  # 2: the option itself makes no sense
    assert (refused.code, said in refused.errors) == (code, True), refused.errors


async def test_one_that_is_worked_on_is_shown_so_and_not_dropped(run: Run, database: Database) -> None:
    async with rebuilding(database, "payments") as work:
        await work.build()
        (status,) = map(json.loads, (await run("status", "--json")).output.splitlines())
        assert status["is_worked_on"]
        refused = await run("drop", "payments", "--unfinished")
        assert (refused.code, "another process works" in refused.errors) == (1, True)
    assert (await run("drop", "payments", "--unfinished")).code == 0

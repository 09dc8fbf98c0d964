"""Consumers go on where those of an older release stopped: what these did is not done again, what they did not is."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from infra.kafka.dead_letters.operators import Filter, list_letters
from infra.postgres import Connection, Pool
from tests.integration.upgrade.consuming import interpret, note_runs, project, take_in
from tests.integration.upgrade.fixture_files import Fixture
from tests.integration.upgrade.restored import rows_of
from tests.support.database import Database

pytestmark = pytest.mark.integration

_TASKS = "gateway_tasks"
_CHECKPOINTS = "consumer_checkpoints"


async def everything(database: Database) -> dict[str, dict[str, list[Any]]]:
    """Return all rows that consumers write."""
    async with await psycopg.AsyncConnection.connect(database.url("owner")) as conn:
        return {schema: await rows_of(conn, schema) for schema in ("consumers", "read_model", "reconciliation")}


async def test_given_all_topics_they_do_nothing_twice_and_what_was_left(
    release: Fixture, database: Database, pool: Pool, projector_pool: Pool
) -> None:
    before = await everything(database)
    await project(projector_pool, release)
    await interpret(pool, release)
    await note_runs(pool, release)
    assert await everything(database) == before

    for _ in range(2):
        await take_in(pool, release)
        after = await everything(database)
        known = {each["event_id"] for each in before["consumers"][_TASKS]}
        (new,) = [each for each in after["consumers"].pop(_TASKS) if each["event_id"] not in known]
        assert (new["payment_id"], new["status"]) == (release.manifest.payments["not_taken_in"], "due")
        moved = [each for each in after["consumers"].pop(_CHECKPOINTS) if each not in before["consumers"][_CHECKPOINTS]]
        assert {each["consumer"] for each in moved} == {"stripe-gateway"}
        for name, rows in after["consumers"].items():
            assert rows == before["consumers"][name], name


async def test_open_calls_are_there_with_the_events_that_asked_for_them(release: Fixture, app: Connection) -> None:
    cursor = await app.execute(
        "SELECT t.payment_id, t.status, e.stream_id"
        "  FROM consumers.gateway_tasks t LEFT JOIN event_store.events e USING (event_id, position)"
        " WHERE t.status <> 'done' AND t.operation <> 'refresh_payment'"
    )
    found = {payment_id: (status, stream_id) for payment_id, status, stream_id in await cursor.fetchall()}
    assert found == {
        (payment_id := UUID(release.manifest.payments[name])): (status, payment_id)
        for name, status in release.manifest.open_tasks.items()
    }


async def test_operators_see_the_dead_letters_with_their_records(release: Fixture, app: Connection) -> None:
    kept = release.manifest.dead_letters
    letters, count = await list_letters(app, Filter(resolved=True))
    assert count == len(kept)
    told = [
        (each.consumer, each.topic, each.partition, each.kafka_offset, each.reason, each.status) for each in letters
    ]
    assert told == [(each.consumer, each.topic, each.partition, each.offset, each.reason, each.status) for each in kept]
    for each in letters:
        (record,) = [
            record
            for place, records in release.records(each.topic)
            for record in records
            if (place.partition, record.offset) == (each.partition, each.kafka_offset)
        ]
        assert (each.key, each.value, each.headers) == (record.key, record.value, list(record.headers))

"""Consumers go on where those of an older release stopped: what these did is not done again, what they did not is."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from infra.kafka.consumer.dead_letters.admin import DeadLetterAdmin, Filter
from infra.postgres.pool import Connection, Pool
from tests.integration.upgrade.consuming import interpret, project, record_runs, take_in
from tests.integration.upgrade.fixture_files import Fixture
from tests.integration.upgrade.restored import rows_of
from tests.support.database import Database

pytestmark = [pytest.mark.integration, pytest.mark.slow]

Rows = dict[str, dict[str, list[Any]]]


async def rows_of_consumers(database: Database) -> Rows:
    """Return all rows that consumers write, by schema and table."""
    async with await psycopg.AsyncConnection.connect(database.url("owner")) as conn:
        return {schema: await rows_of(conn, schema) for schema in ("consumers", "read_model", "reconciliation")}


def changes(before: Rows, after: Rows) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Return the rows that are gone and those that are new, by table; but for tables that were empty.

    What a release did not have yet, such as another projection, is built from the topics.
    """
    gone: dict[str, list[Any]] = {}
    new: dict[str, list[Any]] = {}
    for schema, tables in before.items():
        for name, rows in tables.items():
            now = after[schema][name]
            if rows and now != rows:
                gone[f"{schema}.{name}"] = [each for each in rows if each not in now]
                new[f"{schema}.{name}"] = [each for each in now if each not in rows]
    return gone, new


def known_checkpoints(rows: Rows) -> set[str]:
    return {each["consumer"] for each in rows["consumers"]["consumer_checkpoints"]}


async def test_given_all_topics_they_do_nothing_twice_and_what_was_left(
    release: Fixture, database: Database, pool: Pool, projector_pool: Pool
) -> None:
    before = await rows_of_consumers(database)
    await project(projector_pool, release)
    await interpret(pool, release)
    await record_runs(pool, release)
    untouched = await rows_of_consumers(database)
    gone, new = changes(before, untouched)
    assert not any(gone.values())
    assert new.keys() <= {"consumers.consumer_checkpoints"}
    assert all(each["consumer"] not in known_checkpoints(before) for rows in new.values() for each in rows)

    for _ in range(2):
        await take_in(pool, release)
        gone, new = changes(untouched, await rows_of_consumers(database))
        assert new.keys() == gone.keys() == {"consumers.gateway_tasks", "consumers.consumer_checkpoints"}
        (task,) = new["consumers.gateway_tasks"]
        assert (task["payment_id"], task["status"]) == (release.manifest.payments["not_taken_in"], "due")
        (moved,) = new["consumers.consumer_checkpoints"]
        assert moved["consumer"] == "stripe-gateway"


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
    written, count = await DeadLetterAdmin(app).list_dead_letters(Filter(resolved=True))
    assert count == len(kept)
    listed = [
        (each.consumer, each.topic, each.partition, each.kafka_offset, each.reason, each.status) for each in written
    ]
    assert listed == [
        (each.consumer, each.topic, each.partition, each.offset, each.reason, each.status) for each in kept
    ]
    for each in written:
        (record,) = [
            record
            for place, records in release.records(each.topic)
            for record in records
            if (place.partition, record.offset) == (each.partition, each.kafka_offset)
        ]
        assert (each.key, each.value, each.headers) == (record.key, record.value, list(record.headers))

"""The function that puts lost events back: only into a closed log, and only behind what their stream has."""

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from event_store.appends import Append
from event_store.store import append, load
from tests.support.database import Database
from tests.support.log_entries import an_append, metadata

pytestmark = pytest.mark.integration


def lost(stream_id: object, version: int, position: int) -> dict[str, Any]:
    return {
        "position": position,
        "event_id": str(uuid4()),
        "stream_id": str(stream_id),
        "version": version,
        "category": "payment",
        "type": "test.happened",
        "schema_version": 1,
        "data": {},
        "metadata": metadata().to_dict(),
        "recorded_at": "2026-11-28T12:00:00+00:00",
    }


async def append_as_app(database: Database, *items: Append) -> None:
    async with await psycopg.AsyncConnection.connect(database.url("app"), autocommit=True) as app:
        await append(app, items)


async def test_what_does_not_follow_its_stream_is_refused(database: Database) -> None:
    item = an_append()
    async with await psycopg.AsyncConnection.connect(database.url("relay"), autocommit=True) as relay:
        await append_as_app(database, item)

        async def write_back(*events: dict[str, Any]) -> None:
            await relay.execute("SELECT event_store.write_back(%s::jsonb)", [json.dumps(events)])

        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="the log is open"):
            await write_back(lost(item.stream_id, 2, 50))
        await relay.execute("SELECT event_store.close_log('it lacks an event')")
        for events in (
            [lost(item.stream_id, 3, 50)],  # one is missing before it
            [lost(item.stream_id, 2, 50), lost(item.stream_id, 4, 51)],  # and between them
            [lost(uuid4(), 2, 50)],
        ):
            with pytest.raises(psycopg.IntegrityError, match="went on otherwise"):
                await write_back(*events)
        await write_back(lost(item.stream_id, 2, 50), lost(item.stream_id, 3, 51))
        assert [event.position for event in await load(relay, item.stream_id)][1:] == [50, 51]


async def test_what_was_written_back_owns_its_ids_of_stripe_again(database: Database) -> None:
    item = an_append()
    async with await psycopg.AsyncConnection.connect(database.url("relay"), autocommit=True) as relay:
        await append_as_app(database, item, replace(an_append(), stripe_ids=frozenset({"cus_known"})))
        await relay.execute("SELECT event_store.close_log('it lacks an event')")
        named = {"customer": "cus_known", "payment_method": "pm_lost"}
        confirmed = lost(item.stream_id, 2, 50) | {"type": "payment.confirmation_requested", "data": named}
        await relay.execute("SELECT event_store.write_back(%s::jsonb)", [json.dumps([confirmed])])
        await relay.execute("SELECT event_store.claim_stripe_ids(49)")
    async with await psycopg.AsyncConnection.connect(database.url("owner")) as owner:
        found = await owner.execute("SELECT stripe_id FROM event_store.stripe_id_owners ORDER BY 1")
        assert await found.fetchall() == [("cus_known",), ("pm_lost",)]


async def test_the_application_may_not_write_back(database: Database) -> None:
    async with await psycopg.AsyncConnection.connect(database.url("app"), autocommit=True) as app:
        for call in (
            "write_back('[]')",
            "reopen_log(1, 0, '{}')",
            "verify_start('me', 'so')",
            "claim_stripe_ids(0)",
            "follow_access(0)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await app.execute(f"SELECT event_store.{call}")

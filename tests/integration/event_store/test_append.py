"""The log's one way in: versions, idempotency keys, and each append answered for itself."""

import json
import re
import uuid
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from domain.ids import MerchantId
from event_store.appends import Append, Appended, StoredResponse, VersionConflict
from event_store.store import Connection, append, find_response, load
from tests.support.database import Database
from tests.support.log_entries import an_append, new_event

pytestmark = pytest.mark.integration


async def test_a_new_stream_starts_at_version_one_and_keeps_its_events_in_order(app: Connection) -> None:
    item = an_append(events=3)
    (result,) = await append(app, [item])
    assert isinstance(result, Appended)
    assert result.version == 3
    events = await load(app, item.stream_id)
    assert [event.version for event in events] == [1, 2, 3]
    assert [event.event_id for event in events] == [event.event_id for event in item.events]
    assert events[-1].position == result.position
    assert [event.position for event in events] == sorted(event.position for event in events)


async def test_one_conflict_does_not_fail_its_neighbours(app: Connection) -> None:
    taken = an_append()
    await append(app, [taken])
    good, bad, missing, good_too = (
        an_append(),
        an_append(taken.stream_id),
        an_append(expected_version=4),
        an_append(),
    )
    results = await append(app, [good, bad, missing, good_too])
    assert [type(result) for result in results] == [Appended, VersionConflict, VersionConflict, Appended]
    assert results[1] == VersionConflict(actual_version=1)
    assert results[2] == VersionConflict(actual_version=0)
    assert await load(app, missing.stream_id) == []
    assert len(await load(app, taken.stream_id)) == 1


async def test_an_expected_version_below_or_above_the_actual_one_is_a_conflict(app: Connection) -> None:
    item = an_append(events=2)
    await append(app, [item])
    for wrong in (1, 3):
        assert await append(app, [an_append(item.stream_id, wrong)]) == [VersionConflict(actual_version=2)]
    (result,) = await append(app, [an_append(item.stream_id, 2)])
    assert isinstance(result, Appended)
    assert result.version == 3


async def test_a_known_key_answers_what_its_command_answered_and_writes_nothing(app: Connection) -> None:
    body = '{"name":"Zoë","n":1.50}'.encode()
    first = an_append(events=2, key="k", fingerprint="one", response=body)
    (appended,) = await append(app, [first])
    assert isinstance(appended, Appended)
    again = an_append(key="k", fingerprint="two")
    expected = StoredResponse(fingerprint="one", status=201, response=body, position=appended.position)
    assert await append(app, [again]) == [expected]
    assert await load(app, again.stream_id) == []
    assert await find_response(app, first.merchant_id, "k") == expected


async def test_keys_belong_to_their_merchant(app: Connection) -> None:
    mine, theirs = an_append(key="k"), an_append(key="k", merchant_id=MerchantId("merchant_other"))
    assert [type(each) for each in await append(app, [mine, theirs])] == [Appended, Appended]
    assert await find_response(app, MerchantId("merchant_third"), "k") is None


async def test_of_two_appends_with_one_key_in_one_call_the_first_is_served(app: Connection) -> None:
    first, second = an_append(key="k", fingerprint="one"), an_append(key="k", fingerprint="two")
    appended, seen = await append(app, [first, second])
    assert isinstance(appended, Appended)
    assert isinstance(seen, StoredResponse)
    assert (seen.fingerprint, seen.position) == ("one", appended.position)


async def test_a_key_whose_append_conflicts_stays_free(app: Connection) -> None:
    item = an_append()
    await append(app, [item])
    stale = an_append(item.stream_id, 5, key="k")
    also_waiting = an_append(key="k")
    results = await append(app, [stale, also_waiting])
    assert results == [VersionConflict(actual_version=1), VersionConflict(actual_version=0)]
    assert await find_response(app, item.merchant_id, "k") is None
    (result,) = await append(app, [an_append(item.stream_id, 1, key="k")])
    assert isinstance(result, Appended)


async def test_load_up_to_a_version_and_a_position(app: Connection) -> None:
    item = an_append(events=2)
    await append(app, [item])
    await app.commit()
    await append(app, [an_append(item.stream_id, 2, events=2)])
    events = await load(app, item.stream_id)
    assert len(await load(app, item.stream_id, up_to_version=3)) == 3
    assert len(await load(app, item.stream_id, up_to_position=events[1].position)) == 2
    assert await load(app, item.stream_id, up_to_position=events[0].position - 1) == []


async def test_a_stream_twice_in_a_call_or_no_events_are_refused(app: Connection) -> None:
    item = an_append()
    with pytest.raises(ValueError, match="once"):
        await append(app, [item, item])
    empty = Append(
        stream_id=uuid.uuid4(), category="payment", merchant_id=MerchantId("m"), expected_version=0, events=()
    )
    with pytest.raises(ValueError, match="at least one event"):
        await append(app, [empty])
    assert await append(app, []) == []


async def test_the_function_refuses_a_stream_twice_and_no_expected_version(
    app: Connection,
) -> None:
    """The guard stands in the database too: not every caller is this package."""
    stream = str(uuid.uuid4())
    event = f'{{"event_id":"{uuid.uuid4()}","type":"t","schema_version":1,"data":{{}},"metadata":{{}}}}'
    head = f'"stream_id":"{stream}","category":"c","merchant_id":"m","events":[{event}]'
    twice = f'[{{{head},"expected_version":0}},{{{head},"expected_version":1}}]'
    for document in (twice, f"[{{{head}}}]", f'[{{{head},"expected_version":-1}}]'):
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            await app.execute("SELECT * FROM event_store.append(%s::jsonb)", [document])
        await app.rollback()


async def test_data_is_returned_as_json_of_equal_value(app: Connection) -> None:
    event = new_event({"text": 'a "quoted" \u2018text\u2019 \\ /', "big": 9007199254740993, "none": None})
    item = Append(
        stream_id=uuid.uuid4(), category="payment", merchant_id=MerchantId("m"), expected_version=0, events=(event,)
    )
    await append(app, [item])
    (loaded,) = await load(app, item.stream_id)
    assert json.loads(loaded.data) == json.loads(event.data)
    assert loaded.metadata == event.metadata


async def test_an_event_id_stands_in_the_log_once(app: Connection) -> None:
    item = an_append()
    await append(app, [item])
    await app.commit()
    for again in (replace(an_append(), events=item.events), replace(an_append(item.stream_id, 1), events=item.events)):
        with pytest.raises(psycopg.errors.UniqueViolation):
            await append(app, [again])
        await app.rollback()
    twice = an_append()
    with pytest.raises(psycopg.errors.UniqueViolation):
        await append(app, [replace(twice, events=twice.events * 2)])
    await app.rollback()
    assert len(await load(app, item.stream_id)) == 1


@pytest.mark.parametrize("change", [{"category": "stripe-event"}, {"merchant_id": "merchant_other"}], ids=str)
async def test_a_stream_keeps_its_category_and_its_merchant(app: Connection, change: dict[str, Any]) -> None:
    item = an_append()
    await append(app, [item])
    await app.commit()
    with pytest.raises(psycopg.DataError, match=f"stream {item.stream_id} is of another category or merchant"):
        await append(app, [replace(an_append(item.stream_id, 1), **change)])


async def test_a_stream_says_between_which_positions_its_events_are(app: Connection) -> None:
    item = an_append(events=2)
    (first,) = await append(app, [item])
    await append(app, [an_append()])
    (last,) = await append(app, [an_append(item.stream_id, 2, events=3)])
    assert isinstance(first, Appended)
    assert isinstance(last, Appended)
    query = "SELECT first_position, last_position FROM event_store.streams WHERE stream_id = %s"
    assert await (await app.execute(query, [item.stream_id])).fetchone() == (first.position - 1, last.position)


async def test_a_stream_of_an_older_version_learns_its_positions(database: Database, app: Connection) -> None:
    item = an_append(events=2)
    await append(app, [item])
    await app.commit()
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute("UPDATE event_store.streams SET first_position = NULL, last_position = NULL")
    assert len(await load(app, item.stream_id)) == 2
    await append(app, [an_append(item.stream_id, 2)])
    events = await load(app, item.stream_id)
    query = "SELECT first_position, last_position FROM event_store.streams"
    assert await (await app.execute(query)).fetchone() == (events[0].position, events[-1].position)


async def test_loading_a_stream_looks_into_its_own_partitions_alone(database: Database, app: Connection) -> None:
    """Each partition costs, also one without a row of it: 23 ms with 400 of them."""
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute("SELECT event_store.ensure_partitions(50)")
    item = an_append()
    await append(app, [item])
    await app.commit()
    await load(app, item.stream_id)
    locked = "SELECT relation::regclass::text FROM pg_locks WHERE pid = pg_backend_pid() AND relation IS NOT NULL"
    names = {name for (name,) in await (await app.execute(locked)).fetchall()}
    assert {name for name in names if re.fullmatch(r"event_store\.events_p\d+", name)} == {"event_store.events_p000000"}


async def test_an_append_looks_into_one_partition_of_the_log(database: Database, app: Connection) -> None:
    """Whatever it costs to look into one, there may be hundreds."""
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute("SELECT event_store.ensure_partitions(10)")
    item = an_append(key="k")
    await append(app, [item])
    await app.commit()
    await append(app, [an_append(item.stream_id, 1), an_append(key="another")])
    looked_into = await app.execute(
        "SELECT count(DISTINCT l.relation) FROM pg_locks l JOIN pg_inherits i ON i.inhrelid = l.relation "
        "WHERE l.pid = pg_backend_pid() AND i.inhparent = 'event_store.events'::regclass"
    )
    assert await looked_into.fetchone() == (1,)

"""The coalescing appender against the real log."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import psycopg
import pytest

from domain.ids import EventId, MerchantId
from event_store.appends import Append, Appended, EventTooLarge, StoredResponse, VersionConflict
from event_store.group_commit import GroupCommit
from event_store.store import Connection, append, is_log_closed, load, read_log_state
from infra.postgres.pool import create_pool
from schemas.envelope import NewEvent
from tests.support.database import Database
from tests.support.log_entries import an_append, metadata

pytestmark = pytest.mark.integration


@pytest.fixture
async def appender(database: Database) -> AsyncIterator[GroupCommit]:
    async with create_pool(database.url("app"), size=2, name="test") as pool:
        subject = GroupCommit(pool)
        yield subject
        await subject.close()


async def test_of_fifty_appends_with_one_key_one_is_written(appender: GroupCommit, app: Connection) -> None:
    results = await asyncio.gather(*(appender.append(an_append(key="k")) for _ in range(50)))
    positions = {result.position for result in results if isinstance(result, Appended | StoredResponse)}
    assert len([result for result in results if isinstance(result, Appended)]) == 1
    assert len(positions) == 1
    row = await (await app.execute("SELECT count(*) FROM event_store.events")).fetchone()
    assert row == (1,)


async def test_of_many_appends_to_one_version_one_wins(appender: GroupCommit, app: Connection) -> None:
    item = an_append()
    await appender.append(item)
    results = await asyncio.gather(*(appender.append(an_append(item.stream_id, 1)) for _ in range(20)))
    assert [type(result) for result in results].count(Appended) == 1
    assert results.count(VersionConflict(actual_version=2)) == 19
    assert len(await load(app, item.stream_id)) == 2


async def test_a_value_that_the_database_refuses_fails_alone(appender: GroupCommit) -> None:
    poison = NewEvent(
        event_id=EventId(uuid.uuid4()), type="t", schema_version=1, data=b'{"text":"\\ud800"}', metadata=metadata()
    )
    bad = Append(
        stream_id=uuid.uuid4(), category="payment", merchant_id=MerchantId("m"), expected_version=0, events=(poison,)
    )
    items = [an_append(), bad, *(an_append() for _ in range(10))]
    results = await asyncio.gather(*(appender.append(item) for item in items), return_exceptions=True)
    assert isinstance(results.pop(1), psycopg.DataError)
    assert all(isinstance(result, Appended) for result in results)


async def test_an_event_that_kafka_would_refuse_is_not_recorded(appender: GroupCommit, app: Connection) -> None:
    large = NewEvent(
        event_id=EventId(uuid.uuid4()),
        type="t",
        schema_version=1,
        data=b'{"text":"%s"}' % (b"x" * 1_000_000),
        metadata=metadata(),
    )
    bad = Append(
        stream_id=uuid.uuid4(), category="payment", merchant_id=MerchantId("m"), expected_version=0, events=(large,)
    )
    items = [an_append(), bad, *(an_append() for _ in range(10))]
    results = await asyncio.gather(*(appender.append(item) for item in items), return_exceptions=True)
    assert isinstance(results.pop(1), EventTooLarge)
    assert all(isinstance(result, Appended) for result in results)
    with pytest.raises(EventTooLarge):
        await append(app, [bad])


async def test_a_log_that_ends_before_what_it_answered_is_closed_for_all(
    appender: GroupCommit, database: Database, app: Connection
) -> None:
    """With the identity of the one before, as of a dump that was loaded over it: others would append to it."""
    answered = await appender.append(an_append())
    assert isinstance(answered, Appended)
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute("SELECT setval('event_store.event_position', 1, false)")
    with pytest.raises(psycopg.OperationalError) as refused:
        await appender.append(an_append())
    assert is_log_closed(refused.value)
    state = await read_log_state(app)
    assert state.closed_because == f"it ends at position 0, but position {answered.position} was given out before"
    with pytest.raises(psycopg.OperationalError):
        await append(app, [an_append()])


async def test_a_log_that_is_closed_for_another_reason_keeps_it(
    appender: GroupCommit, database: Database, app: Connection
) -> None:
    await appender.append(an_append())
    async with await psycopg.AsyncConnection.connect(database.url("app"), autocommit=True) as other:
        await other.execute("SELECT event_store.close_log('a restored backup')")
    with pytest.raises(psycopg.OperationalError):
        await appender.append(an_append())
    assert (await read_log_state(app)).closed_because == "a restored backup"


async def test_a_connection_is_given_back_as_it_was(database: Database) -> None:
    """An append needs no BEGIN; who gets the connection next has a transaction of its own."""
    stream = an_append()
    async with create_pool(database.url("app"), size=1, name="test") as pool:
        appender = GroupCommit(pool)
        await appender.append(stream)
        with pytest.raises(psycopg.IntegrityError):
            await appender.append(replace(an_append(), events=stream.events))  # an event id that is there
        async with pool.connection() as connection:
            assert not connection.autocommit
        await appender.close()

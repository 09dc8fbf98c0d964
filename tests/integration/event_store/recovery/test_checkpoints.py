"""Consumers go back as far as the log did, and no further: what they applied, they would apply twice."""

import random
from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio

from event_store.recovery.checkpoints import take_back_checkpoints
from event_store.recovery.compare import Comparison, Difference
from event_store.store import Connection, load_many
from tests.support.database import Database
from tests.support.rebuilds import store_payments

pytestmark = pytest.mark.integration

TOPIC = "paystream.payment"


@pytest_asyncio.fixture
async def owner(database: Database) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as connection:
        yield connection


@pytest_asyncio.fixture
async def relay(database: Database) -> AsyncIterator[Connection]:
    """Who recovers."""
    async with await psycopg.AsyncConnection.connect(database.url("relay"), autocommit=True) as connection:
        yield connection


@pytest_asyncio.fixture
async def end(app: Connection, owner: Connection) -> int:
    """The end of a log that has some events, and consumers before it, at it and behind it."""
    await store_payments(app, random.Random(1), 4)
    row = await (await owner.execute("SELECT max(position) FROM event_store.events")).fetchone()
    assert row is not None
    last = int(row[0])
    for consumer, position in (("projection:payments", last), ("sagas", last - 2), ("stripe-webhooks", last + 7)):
        await owner.execute(
            "INSERT INTO consumers.consumer_checkpoints (consumer, topic, partition, position) VALUES (%s, %s, 0, %s)",
            (consumer, TOPIC, position),
        )
    return last


async def checkpoints(owner: Connection) -> dict[str, int]:
    rows = await owner.execute("SELECT consumer, position FROM consumers.consumer_checkpoints")
    return dict(await rows.fetchall())


def emptied(whole_up_to: int) -> Comparison:
    """Kafka holds nothing of what was published."""
    found = Comparison(whole_up_to=whole_up_to, partitions=3)
    assert found.blockers
    assert not found.went_on_otherwise
    return found


async def test_one_behind_the_end_goes_back_alone(owner: Connection, relay: Connection, end: int) -> None:
    is_read_model_ahead = await take_back_checkpoints(relay, emptied(end - 3))
    assert not is_read_model_ahead, "a consumer had records in hand, and no projection"
    assert await checkpoints(owner) == {"projection:payments": end, "sagas": end - 2, "stripe-webhooks": end}


async def test_a_projection_behind_the_end_shows_what_the_log_lacks(
    owner: Connection, relay: Connection, end: int
) -> None:
    await owner.execute(
        "UPDATE consumers.consumer_checkpoints SET position = position + 1 WHERE consumer ~ 'projection'"
    )
    assert await take_back_checkpoints(relay, emptied(end - 3))
    assert (await checkpoints(owner))["projection:payments"] == end


async def test_all_go_back_where_the_log_went_on_otherwise(
    app: Connection, owner: Connection, relay: Connection, end: int
) -> None:
    rows = await (await owner.execute("SELECT DISTINCT stream_id FROM event_store.events")).fetchall()
    streams = await load_many(app, [stream for (stream,) in rows])
    lost = max((event for events in streams.values() for event in events), key=lambda event: event.position)
    found = Comparison(whole_up_to=end - 3, partitions=3, different=[Difference(lost=lost, instead=None)])
    assert await take_back_checkpoints(relay, found)
    assert await checkpoints(owner) == {"projection:payments": end - 3, "sagas": end - 3, "stripe-webhooks": end - 3}


async def test_none_goes_back_where_nobody_had_to_decide(owner: Connection, relay: Connection, end: int) -> None:
    assert not await take_back_checkpoints(relay, Comparison(whole_up_to=0, partitions=3))
    assert (await checkpoints(owner))["stripe-webhooks"] == end + 7

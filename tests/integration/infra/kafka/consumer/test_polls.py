"""What one poll brought, of several partitions: one transaction if it can be, and else each partition by itself."""

import asyncio
import random
import uuid
from collections.abc import Sequence
from itertools import chain

import pytest
import pytest_asyncio
from aiokafka import TopicPartition

from infra.kafka.consumer.subscription import Record
from infra.postgres.pool import Pool
from tests.integration.infra.kafka.consumer.dead_letters.refusing_consumer import (
    Member,
    PickyEffects,
    Topic,
    dead_letters,
)
from tests.support.database import Database

pytestmark = pytest.mark.integration

_PARTITIONS = 4
_TRANSACTIONS = "SELECT count(DISTINCT xmin::text) FROM consumers.effects"


@pytest_asyncio.fixture
async def effects(pool: Pool, database: Database) -> PickyEffects:
    made = PickyEffects(pool)
    await made.prepare(database.url("owner"))
    return made


@pytest.fixture
def topics() -> Sequence[Topic]:
    """Partitions of a topic; no position is in two of them."""
    return [Topic(TopicPartition("t", number), first_position=5 + 1000 * number) for number in range(_PARTITIONS)]


def add(topics: Sequence[Topic], *counts: int) -> list[Record]:
    """Record so many events in each partition, each of a stream of its own, and return all records."""
    return [
        record
        for topic, count in zip(topics, counts, strict=False)
        for record in topic.add(*(uuid.uuid4() for _ in range(count)))
    ]


def positions(topics: Sequence[Topic]) -> list[int]:
    return sorted(event.position for topic in topics for event in topic.events)


async def transactions(pool: Pool) -> int:
    async with pool.connection() as conn:
        row = await (await conn.execute(_TRANSACTIONS)).fetchone()
    assert row is not None
    return int(row[0])


async def test_all_partitions_of_a_poll_are_one_transaction(
    effects: PickyEffects, pool: Pool, topics: Sequence[Topic]
) -> None:
    await Member(effects, pool).poll(add(topics, 3, 1, 2, 5))
    assert await effects.positions() == positions(topics)
    assert await transactions(pool) == 1


async def test_what_comes_again_is_dropped(effects: PickyEffects, pool: Pool, topics: Sequence[Topic]) -> None:
    member = Member(effects, pool)
    first = add(topics, 2, 2, 2)
    await member.poll(first)
    await member.poll([*first, *add(topics, 1, 0, 0, 3)])
    assert await effects.positions() == positions(topics)


async def test_a_refused_event_is_a_dead_letter_and_all_others_are_applied(
    effects: PickyEffects, pool: Pool, topics: Sequence[Topic]
) -> None:
    member = Member(effects, pool)
    records = add(topics, 3, 3, 3)
    refused = topics[1].events[1].position
    effects.refused = {refused}
    await member.poll(records)
    assert await effects.positions() == [each for each in positions(topics) if each != refused]
    assert [row["position"] for row in await dead_letters(pool)] == [refused]
    await member.poll(add(topics, 1, 1, 1, 1))  # with a dead letter open
    assert await effects.positions() == [each for each in positions(topics) if each != refused]


async def test_a_record_that_is_none_of_ours_holds_no_other_partition_up(
    effects: PickyEffects, pool: Pool, topics: Sequence[Topic]
) -> None:
    records = add(topics, 2, 2, 2)
    await Member(effects, pool).poll([*records, topics[3].raw(b"not an event")])
    assert await effects.positions() == positions(topics)
    assert len(await dead_letters(pool)) == 1


async def test_a_gap_in_one_partition_holds_no_other_up(
    effects: PickyEffects, pool: Pool, topics: Sequence[Topic]
) -> None:
    records = add(topics, 2, 3, 2)
    lost = topics[1].events[0].position
    await Member(effects, pool).poll(record for record in records if record is not records[2])
    after_gap = {event.position for event in topics[1].events}
    assert await effects.positions() == [each for each in positions(topics) if each not in after_gap]
    assert lost in after_gap


async def test_members_that_think_they_own_the_same_partitions_apply_once(
    effects: PickyEffects, pool: Pool, topics: Sequence[Topic]
) -> None:
    """In whatever order their partitions come, neither waits for the other in a circle."""
    members = [Member(effects, pool) for _ in range(2)]
    chance = random.Random(1)
    for _ in range(20):
        records = add(topics, 2, 2, 2, 2)
        groups = [records[at : at + 2] for at in range(0, len(records), 2)]
        orders = [list(chain.from_iterable(chance.sample(groups, len(groups)))) for _ in members]
        await asyncio.gather(*(member.poll(order) for member, order in zip(members, orders, strict=True)))
    assert await effects.positions() == positions(topics)


@pytest.mark.parametrize("seed", range(10))
async def test_polls_of_any_size_with_anything_in_them_have_each_effect_once(
    effects: PickyEffects, pool: Pool, topics: Sequence[Topic], seed: int
) -> None:
    chance, member = random.Random(seed), Member(effects, pool)
    read = [0] * _PARTITIONS
    add(topics, *(chance.randint(5, 15) for _ in topics))
    refused = {chance.choice(chance.choice(topics).events).position for _ in range(3)}
    effects.refused = set(refused)
    while any(read[number] < len(topic.events) for number, topic in enumerate(topics)):
        poll: list[Record] = []
        for number, topic in enumerate(topics):
            start = max(0, read[number] - chance.choice((0, 0, 0, 2)))  # now and then some come again
            read[number] = min(len(topic.events), read[number] + chance.randint(0, 4))
            poll += [topic.record(at) for at in range(start, read[number])]
        await member.poll(poll)
    assert await effects.positions() == [each for each in positions(topics) if each not in refused]
    assert {row["position"] for row in await dead_letters(pool)} == refused

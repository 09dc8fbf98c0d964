"""Dead letters in PostgreSQL: what is written, what waits behind it, and how it is applied later, once and in order."""

import asyncio
import uuid
from collections.abc import Sequence

import psycopg
import pytest
import pytest_asyncio

from infra.kafka.consumer.dead_letters.admin import AlreadyResolved, DeadLetterAdmin
from infra.kafka.consumer.dead_letters.delivery import Headers
from infra.postgres.pool import Connection, Pool
from infra.process.health import Unhealthy
from schemas.cloudevents import Delivered, from_kafka, to_kafka
from tests.integration.infra.kafka.consumer.dead_letters.refusing_consumer import (
    PARTITION,
    Member,
    PickyEffects,
    Topic,
    checkpoint,
    dead_letters,
    summaries,
    with_header,
)
from tests.integration.infra.kafka.published_log import recorded
from tests.support.database import Database
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

BAD, GOOD, OTHER = (uuid.UUID(int=each) for each in (1, 2, 3))
ALWAYS = 9223372036854775807


@pytest_asyncio.fixture
async def effects(pool: Pool, database: Database) -> PickyEffects:
    made = PickyEffects(pool)
    await made.prepare(database.url("owner"))
    return made


@pytest.fixture
def member(effects: PickyEffects, pool: Pool) -> Member:
    return Member(effects, pool)


@pytest.fixture
def topic() -> Topic:
    return Topic()


async def ask(pool: Pool, *ids: int, reason: str | None = None) -> None:
    async with pool.connection() as conn:
        await DeadLetterAdmin(conn).request_replay(actor="op", reason=reason, ids=ids)


async def give_up(pool: Pool, dead_letter_id: int) -> None:
    async with pool.connection() as conn:
        await DeadLetterAdmin(conn).discard(dead_letter_id, actor="op", reason="no use")


async def forget_everything(database: Database, how: str = "DELETE FROM consumers.consumer_checkpoints") -> None:
    """Make the consumer apply everything again, as somebody does who empties its tables."""
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute(how.encode())
        await owner.execute("DELETE FROM consumers.effects")


async def test_a_refused_event_is_a_dead_letter_and_its_neighbours_are_applied(
    effects: PickyEffects, member: Member, topic: Topic, pool: Pool
) -> None:
    effects.refused = {str(BAD)}
    await member.deliver(topic.add(GOOD, OTHER, BAD, GOOD, OTHER))
    before, (after, until) = topic.positions, await checkpoint(pool)
    assert await effects.in_order() == [before[0], before[1], before[3], before[4]]
    assert (after, until) == (before[4], ALWAYS)
    (row,) = await dead_letters(pool)
    assert (row["reason"], row["error_type"], row["error"]) == (
        "refused",
        "Refused",
        f"no to {before[2]}",
    )
    assert (row["position"], row["previous_position"], row["stream"]) == (
        before[2],
        before[1],
        str(BAD),
    )
    assert (row["kafka_offset"], row["attempts"], row["status"]) == (3, 1, "open")
    await member.progress.check_live()


async def test_later_events_of_its_stream_wait_and_are_applied_with_its_replay(
    effects: PickyEffects, member: Member, topic: Topic, pool: Pool
) -> None:
    effects.refused = {5}
    await member.deliver(topic.add(BAD, GOOD, BAD))
    await member.deliver(topic.add(BAD, GOOD))
    first, good, second, third, good_too = topic.positions
    assert await effects.in_order() == [good, good_too]
    assert await summaries(pool) == [
        (first, "refused", "open"),
        (second, "behind", "open"),
        (third, "behind", "open"),
    ]
    effects.refused = set()
    await ask(pool, 1, reason="it is corrected")
    assert await member.replayer.replay(PARTITION) == 3
    assert await effects.in_order() == [good, good_too, first, second, third]
    assert {status for *_, status in await summaries(pool)} == {"applied"}
    requests = {(each["requested_by"], each["replay_reason"]) for each in await dead_letters(pool)}
    assert requests == {("op", "it is corrected")}, "of each that follows from it too"
    await member.deliver(topic.add(BAD))
    assert (await effects.in_order())[-1] == topic.positions[-1]
    assert await checkpoint(pool) == (topic.positions[-1], third), "no statement more for the next batch"


async def test_a_replay_that_fails_again_changes_nothing_but_the_error(
    effects: PickyEffects, member: Member, topic: Topic, pool: Pool
) -> None:
    effects.refused = {str(BAD)}
    await member.deliver(topic.add(BAD, BAD, GOOD))
    await ask(pool, 2)
    assert await member.replayer.replay(PARTITION) == 0
    first, second = await dead_letters(pool)
    assert (first["status"], first["attempts"]) == ("open", 2)
    assert (second["status"], second["attempts"]) == ("open", 1)
    assert await effects.in_order() == topic.positions[2:]


async def test_an_undecodable_event_is_a_dead_letter_applied_after_an_upgrade(
    effects: PickyEffects, member: Member, topic: Topic, pool: Pool
) -> None:
    good, bad, behind, rest = topic.add(GOOD, BAD, BAD, GOOD)
    good_bytes = dict(bad.headers)["ce_actor"]
    await member.deliver([good, with_header(bad, "ce_actor", b"\xff\xfe"), behind, rest])
    assert await effects.in_order() == [topic.positions[0], topic.positions[3]]
    assert await summaries(pool) == [
        (topic.positions[1], "undecodable", "open"),
        (topic.positions[2], "behind", "open"),
    ]
    (row, _) = await dead_letters(pool)
    assert row["error_type"] == "MalformedMessage"
    assert row["stream"] == str(BAD)

    def upgraded(value: bytes | None, headers: Headers) -> Delivered:
        return from_kafka(value, [(name, good_bytes if raw == b"\xff\xfe" else raw) for name, raw in headers])

    await ask(pool, row["id"])
    assert await member.replayer.replay(PARTITION) == 0, "the same code cannot read it now either"
    member.replayer._decode = upgraded
    await ask(pool, row["id"])
    assert await member.replayer.replay(PARTITION) == 2
    assert sorted(await effects.in_order()) == topic.positions


async def test_a_record_that_is_no_event_of_ours_is_kept_once_and_blocks_nothing(
    effects: PickyEffects, member: Member, topic: Topic, pool: Pool
) -> None:
    nonsense = topic.raw(b"not json", headers=[("ce_id", b"\xff\xfe"), ("x\0y", None)], key=str(GOOD).encode())
    odd = topic.raw(None, key=b"\xff\0")
    await member.deliver([*topic.add(GOOD), nonsense, odd, *topic.add(GOOD)])
    await member.deliver([nonsense, odd, *topic.add(GOOD)])
    assert await effects.in_order() == topic.positions
    assert await summaries(pool) == [(None, "undecodable", "open")] * 2
    first, second = await dead_letters(pool)
    assert (first["value"], first["key"], second["value"]) == (b"not json", str(GOOD).encode(), None)
    assert second["stream"] == "\\xff\\x00"
    assert await checkpoint(pool) == (topic.positions[-1], 0)


@pytest.mark.parametrize("invented", [1, 2, 1000])
async def test_a_foreign_record_with_an_invented_position_hides_no_event(
    effects: PickyEffects, member: Member, topic: Topic, pool: Pool, invented: int
) -> None:
    effects.refused = {str(BAD)}
    await member.deliver(topic.add(GOOD, OTHER))
    last = topic.positions[-1]
    forged = to_kafka(recorded(last + invented, BAD), last)
    for _ in range(2):
        await member.deliver([topic.raw(forged.value, headers=forged.headers, key=forged.key)])
    await member.deliver(topic.add(GOOD, OTHER, GOOD))
    assert await effects.in_order() == topic.positions
    await give_up(pool, 1)
    await member.deliver([topic.raw(forged.value, headers=forged.headers, key=forged.key), *topic.add(GOOD)])
    assert await effects.in_order() == topic.positions


async def test_everything_delivered_again_changes_nothing(
    effects: PickyEffects, member: Member, topic: Topic, pool: Pool
) -> None:
    effects.refused = {str(BAD)}
    topic.add(GOOD, BAD, OTHER, BAD, GOOD)
    await member.deliver(topic.all())
    applied, dead = await effects.in_order(), await summaries(pool)
    for _ in range(3):
        await member.deliver(topic.all())
    assert await effects.in_order() == applied
    assert await summaries(pool) == dead


async def test_members_that_think_they_own_a_partition_dead_letter_once(
    effects: PickyEffects, topic: Topic, pool: Pool
) -> None:
    effects.refused = {8}
    topic.add(*(BAD, BAD, GOOD, BAD, OTHER) * 10)
    members = [Member(effects, pool) for _ in range(3)]
    for at in range(0, 50, 10):
        await asyncio.gather(*(each.deliver(topic.all()[at : at + 10]) for each in members))
    bad = [position for event, position in zip(topic.events, topic.positions, strict=True) if event.stream_id == BAD]
    waiting = [position for position in bad if position >= 8]
    assert [position for position, *_ in await summaries(pool)] == waiting
    assert sorted(await effects.in_order()) == sorted(set(topic.positions) - set(waiting))

    effects.refused = set()
    await ask(pool, 1)
    applied = await asyncio.gather(*(each.replayer.replay(PARTITION) for each in members))
    assert sum(applied) == len(waiting)
    assert sorted(await effects.in_order()) == topic.positions
    assert [position for position in await effects.in_order() if position in bad] == bad


async def test_events_that_arrive_during_a_replay_keep_their_place(
    effects: PickyEffects, topic: Topic, pool: Pool
) -> None:
    effects.refused = {5}
    one, two = Member(effects, pool), Member(effects, pool)
    await one.deliver(topic.add(*[BAD] * 30))
    effects.refused = set()
    await ask(pool, 1)

    async def go_on() -> None:
        for _ in range(20):
            await one.deliver(topic.add(BAD, GOOD))

    async def replay() -> None:
        async def all_done() -> bool:
            await two.replayer.replay(PARTITION)
            return all(status == "applied" for *_, status in await summaries(pool))

        await eventually(all_done, every=0.005)

    await asyncio.gather(go_on(), replay())
    bad = [event.position for event in topic.events if event.stream_id == BAD]
    assert [position for position in await effects.in_order() if position in bad] == bad
    assert sorted(await effects.in_order()) == topic.positions


async def test_the_last_event_of_a_partition_can_be_replayed_and_is_then_known(
    effects: PickyEffects, member: Member, topic: Topic, pool: Pool
) -> None:
    """No event after it has proved its place yet: its replay is as its delivery."""
    effects.refused = {str(BAD)}
    await member.deliver(topic.add(GOOD, BAD))
    assert (await checkpoint(pool))[0] == topic.positions[0]
    effects.refused = set()
    await ask(pool, 1)
    await member.replayer.replay(PARTITION)
    await member.deliver(topic.all())
    await member.deliver(topic.add(BAD))
    assert await effects.in_order() == topic.positions


async def test_a_discarded_event_is_skipped_for_good_and_frees_what_waits(
    effects: PickyEffects, member: Member, topic: Topic, pool: Pool, database: Database
) -> None:
    effects.refused = {5}
    await member.deliver(topic.add(BAD, BAD, GOOD))
    await give_up(pool, 1)
    await member.deliver(topic.add(BAD))
    assert await effects.in_order() == [topic.positions[2]], "what waits goes on waiting until somebody says so"
    await ask(pool, 2)
    assert await member.replayer.replay(PARTITION) == 2
    (given_up, *_) = await dead_letters(pool)
    assert (given_up["resolved_by"], given_up["resolution"]) == ("op", "no use")
    assert given_up["resolved_at"] is not None
    with pytest.raises(AlreadyResolved, match="discarded by op: no use"):
        await give_up(pool, 1)

    effects.refused = set()
    for forget in (
        "DELETE FROM consumers.consumer_checkpoints",
        "UPDATE consumers.consumer_checkpoints SET position = 0",
    ):
        await forget_everything(database, forget)
        await member.deliver(topic.all())
        assert await effects.in_order() == topic.positions[1:], "somebody decided that it is not to be applied"


@pytest.mark.parametrize("repaired", [True, False])
async def test_applying_everything_again_resolves_what_can_be_applied_now(
    effects: PickyEffects, topic: Topic, pool: Pool, database: Database, repaired: bool
) -> None:
    effects.refused = {8}
    member = Member(effects, pool)
    await member.deliver(topic.add(GOOD, BAD, OTHER, BAD, GOOD))
    before = await effects.in_order()
    await forget_everything(database)
    if repaired:
        effects.refused = set()
    await member.deliver(topic.all())
    statuses = {status for *_, status in await summaries(pool)}
    assert len(await summaries(pool)) == 2
    assert statuses == ({"applied"} if repaired else {"open"})
    assert await effects.in_order() == (topic.positions if repaired else before)


async def test_a_replayed_event_that_comes_again_and_fails_is_open_again(
    effects: PickyEffects, member: Member, topic: Topic, pool: Pool, database: Database
) -> None:
    effects.refused = {8}
    await member.deliver(topic.add(GOOD, BAD, GOOD))
    effects.refused = set()
    await ask(pool, 1)
    await member.replayer.replay(PARTITION)
    await forget_everything(database)
    effects.refused = {8}
    await member.deliver(topic.all())
    (row,) = await dead_letters(pool)
    assert (
        row["status"],
        row["attempts"],
        row["resolved_at"],
        row["published_at"],
    ) == (
        "open",
        1,
        None,
        None,
    )


async def test_missing_events_before_a_dead_letter_are_still_missing(
    effects: PickyEffects, member: Member, topic: Topic, pool: Pool
) -> None:
    effects.refused = {str(BAD)}
    first, missing, bad, last = topic.add(GOOD, OTHER, BAD, GOOD)
    await member.deliver([first, bad, last])
    assert await summaries(pool) == []
    assert await effects.in_order() == topic.positions[:1]
    await member.deliver([first, missing, bad, last])
    assert await summaries(pool) == [(topic.positions[2], "refused", "open")]
    assert (await checkpoint(pool))[0] == topic.positions[3]


async def test_many_dead_letters_in_a_row_stop_it_even_after_a_restart(
    effects: PickyEffects, topic: Topic, pool: Pool
) -> None:
    def restarted() -> Member:
        return Member(effects, pool, most_in_a_row=5)

    records = topic.add(*(uuid.UUID(int=each) for each in range(10, 30)))
    effects.refused = set(topic.positions)
    member = restarted()
    await member.deliver(records)
    assert member.is_halted
    with pytest.raises(Unhealthy, match="5 dead letters without one success"):
        await member.progress.check_live()
    assert len(await summaries(pool)) == 5
    for _ in range(2):
        member = restarted()
        await member.deliver(topic.all())
        assert member.is_halted
        assert len(await summaries(pool)) == 5

    await give_up(pool, 1)
    member = restarted()
    await member.deliver(topic.all())
    assert len(await summaries(pool)) == 6, "somebody has looked at one, so one more may fail"

    effects.refused = set(topic.positions[:-3])
    effects.refused.discard(topic.positions[6])
    member = restarted()
    await member.deliver(topic.all())
    assert len(await summaries(pool)) == 11, "a success begins a new row"
    effects.refused = set()
    member = restarted()
    await member.deliver(topic.all())
    assert not member.is_halted
    assert await summaries(pool) != []


async def test_parked_events_are_no_failures(effects: PickyEffects, topic: Topic, pool: Pool) -> None:
    effects.refused = {str(BAD)}
    member = Member(effects, pool, most_in_a_row=2)
    await member.deliver(topic.add(*[BAD] * 20))
    assert not member.is_halted
    assert len(await summaries(pool)) == 20


@pytest.mark.parametrize(
    "statement", ["SELECT * FROM no_such_table", "DELETE FROM event_store.events", "SELECT 1 / (SELECT 0) :: float"]
)
async def test_what_the_database_refuses_whatever_the_event_is_no_dead_letter(
    effects: PickyEffects, member: Member, topic: Topic, pool: Pool, statement: str
) -> None:
    broken = True

    async def fault(conn: Connection, _: Sequence[Delivered]) -> None:
        if broken:
            await conn.execute(statement.encode())

    effects.fault = fault
    delivering = asyncio.create_task(member.deliver(topic.add(GOOD, BAD)))
    if "float" in statement:  # division by zero: of the values
        await delivering
        assert len(await summaries(pool)) == 2
        return

    async def not_ready() -> str:
        try:
            await member.progress.check_ready()
        except Unhealthy as reason:
            return str(reason)
        return ""

    member.progress.kafka_answers(waiting=0)
    member.progress.joined(assigned=True)
    await eventually(not_ready, until=lambda text: "is tried again" in text)
    broken = False
    await delivering
    assert await summaries(pool) == []
    assert await effects.in_order() == topic.positions


async def test_an_event_that_postgresql_cannot_hold_is_a_dead_letter(
    effects: PickyEffects, member: Member, topic: Topic, pool: Pool
) -> None:
    async def fault(conn: Connection, messages: Sequence[Delivered]) -> None:
        if any(message.stream == str(BAD) for message in messages):
            await conn.execute("SELECT %s::text", ["a\0b"])

    effects.fault = fault
    await member.deliver(topic.add(GOOD, BAD, OTHER))
    assert await summaries(pool) == [(topic.positions[1], "refused", "open")]
    assert await effects.in_order() == [topic.positions[0], topic.positions[2]]

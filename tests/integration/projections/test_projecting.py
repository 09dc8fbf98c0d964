"""Events into the read model on a real PostgreSQL: whatever the deliveries, it equals a replay."""

import asyncio
import random
import uuid
from collections.abc import Sequence
from dataclasses import replace

import psycopg
import pytest
from aiokafka import TopicPartition

from domain.ids import PaymentId
from domain.stripe_balance import PayoutStatus
from event_store.store import Connection as AppConnection
from infra.kafka.consumer.checkpoints import create_checkpoints
from infra.postgres.pool import Connection, Pool
from projections.errors import RowsChangedMeanwhile, VersionGap
from projections.events import DecodedEvent
from projections.payment_timeline.projection import PaymentTimeline
from projections.payments.projection import Payments
from projections.payments.projection import load as load_payments
from projections.registry import PROJECTIONS
from projections.runner import CONSUMER, projecting
from projections.verify import differences
from schemas.cloudevents import Delivered
from schemas.errors import UnknownEventType
from schemas.topics import PAYMENT, STRIPE_BALANCE
from tests.support.balance_events import a_payout
from tests.support.payment_histories import (
    batches,
    by_partition,
    events_of,
    paid,
    random_history,
    request_payment,
)
from tests.support.read_model import Stream, load_log, project_log, store, store_balance
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

FIRST = TopicPartition(PAYMENT, 0)


def random_streams(rng: random.Random, count: int) -> list[Stream]:
    ids = [uuid.UUID(int=rng.getrandbits(128), version=4) for _ in range(count)]
    return [(each, random_history(rng, payment_id=PaymentId(each), steps=15)) for each in ids]


async def paid_messages(app: AppConnection, count: int = 1) -> Sequence[Delivered]:
    requests = [request_payment() for _ in range(count)]
    await store(app, [(each.payment_id, events_of(paid(each))) for each in requests])
    return by_partition(await load_log(app), 1)[0]


async def checkpoints(reader: Connection) -> dict[str, int]:
    query = "SELECT consumer, position FROM consumers.consumer_checkpoints WHERE partition = 0"
    return dict(await (await reader.execute(query)).fetchall())


@pytest.mark.parametrize("seed", range(5))
async def test_any_batches_and_repeats_end_in_a_replay_of_the_event_store(
    seed: int, app: AppConnection, pool: Pool, reader: Connection
) -> None:
    rng = random.Random(seed)
    await store(app, random_streams(rng, 40), rng=rng)
    apply = projecting(pool, PROJECTIONS)

    for partition, messages in by_partition(await load_log(app), 3).items():
        for batch in batches(rng, messages):
            result = await apply(TopicPartition(PAYMENT, partition), batch)
            assert result.gap is None
            assert result.applied + result.dropped == len(batch)

    assert await differences(reader, reader) == []


async def test_a_batch_that_is_delivered_twice_is_applied_once(
    app: AppConnection, pool: Pool, reader: Connection
) -> None:
    messages = await paid_messages(app, 3)
    apply = projecting(pool, PROJECTIONS)

    first, second = await apply(FIRST, messages), await apply(FIRST, messages)

    assert (first.applied, first.dropped) == (9, 0)
    assert (second.applied, second.dropped, second.checkpoint) == (0, 9, messages[-1].position)
    assert await differences(reader, reader) == []


async def test_projections_and_checkpoints_move_together(app: AppConnection, pool: Pool, reader: Connection) -> None:
    messages = await paid_messages(app)
    await projecting(pool, PROJECTIONS)(FIRST, messages[:2])
    assert await checkpoints(reader) == {
        "projection:payments": messages[1].position,
        "projection:payment_timeline": messages[1].position,
        "projection:ledger": messages[1].position,
        "projection:payment_totals": messages[1].position,
    }


async def test_a_topic_that_fails_undoes_none_of_those_before_it(
    app: AppConnection, pool: Pool, reader: Connection
) -> None:
    messages = await paid_messages(app)
    await store_balance(app, a_payout(PayoutStatus.PENDING), a_payout(PayoutStatus.PAID))
    *_, second = by_partition([each for each in await load_log(app) if each.category == "stripe-balance"], 1)[0]
    lost = Delivered(event=second.event, previous_position=0)
    apply = projecting(pool, PROJECTIONS)
    with pytest.raises(VersionGap):
        await apply.apply_together({TopicPartition(STRIPE_BALANCE, 0): [lost], FIRST: messages})
    assert set((await checkpoints(reader)).values()) == {messages[-1].position}
    assert (await apply(FIRST, messages)).dropped == len(messages)


async def test_missing_events_are_a_gap_and_nothing_after_it_is_applied(
    app: AppConnection, pool: Pool, reader: Connection
) -> None:
    messages = await paid_messages(app, 2)
    apply = projecting(pool, PROJECTIONS)

    result = await apply(FIRST, [*messages[:2], *messages[3:]])

    assert result.gap is not None
    assert (result.applied, result.checkpoint) == (2, messages[1].position)
    await apply(FIRST, messages)
    assert await differences(reader, reader) == []


async def test_events_of_a_payment_out_of_order_are_an_error_and_leave_nothing(
    app: AppConnection, pool: Pool, reader: Connection
) -> None:
    first, second, third = await paid_messages(app)
    inverted = [
        first,
        Delivered(event=third.event, previous_position=first.position),
        Delivered(event=second.event, previous_position=first.position),
    ]
    with pytest.raises(VersionGap):
        await projecting(pool, PROJECTIONS)(FIRST, inverted)
    assert await checkpoints(reader) == {}
    assert await load_payments(reader, [PaymentId(first.event.stream_id)]) == {}


async def test_an_unknown_event_stops_the_partition_and_leaves_nothing_behind(
    app: AppConnection, pool: Pool, reader: Connection
) -> None:
    first, second, _ = await paid_messages(app)
    newer = replace(second, event=replace(second.event, type="payment.from_the_future"))
    with pytest.raises(UnknownEventType):
        await projecting(pool, PROJECTIONS)(FIRST, [first, newer])
    assert await checkpoints(reader) == {}


@pytest.mark.parametrize("projection", [Payments(), PaymentTimeline()])
async def test_each_projection_alone_refuses_a_lost_event(
    projection: Payments | PaymentTimeline, app: AppConnection, pool: Pool
) -> None:
    first, second, third = await paid_messages(app)
    apply = projecting(pool, [projection])
    await apply(FIRST, [first])
    with pytest.raises(VersionGap, match="needs version 2 next"):
        await apply(FIRST, [Delivered(event=third.event, previous_position=first.position)])
    assert (await apply(FIRST, [second, third])).applied == 2


async def test_a_projection_that_was_added_later_is_left_out_and_stops_nobody(
    app: AppConnection, pool: Pool, reader: Connection
) -> None:
    messages = await paid_messages(app, 2)
    await projecting(pool, [Payments()])(FIRST, messages[:4])

    result = await projecting(pool, PROJECTIONS)(FIRST, messages[4:])

    assert (result.applied, result.gap) == (2, None)
    assert await checkpoints(reader) == {"projection:payments": messages[-1].position}


async def test_a_projection_whose_checkpoint_is_behind_gets_what_it_lacks(
    app: AppConnection, pool: Pool, reader: Connection
) -> None:
    messages = await paid_messages(app, 2)
    await projecting(pool, [Payments()])(FIRST, messages[:4])
    async with pool.connection() as conn:
        await create_checkpoints(conn, CONSUMER, ["projection:payment_timeline"], FIRST)
    both = projecting(pool, PROJECTIONS)

    behind = await both(FIRST, messages[4:])
    assert behind.gap is not None, "one lacks what the other has"
    assert behind.applied == behind.dropped == 0

    caught_up = await both(FIRST, messages)
    assert caught_up.applied == 6, "the answer is for the projection that took most"
    assert await differences(reader, reader) == []


async def test_two_members_that_both_think_they_own_a_partition_take_turns(
    app: AppConnection, pool: Pool, reader: Connection
) -> None:
    messages = await paid_messages(app, 20)
    apply = projecting(pool, PROJECTIONS)
    results = await asyncio.gather(*(apply(FIRST, messages) for _ in range(4)))
    assert sorted(result.applied for result in results) == [0, 0, 0, 60]
    assert await differences(reader, reader) == []


async def test_a_row_that_someone_else_changes_at_the_same_time_is_an_error(app: AppConnection, pool: Pool) -> None:
    first, second, third = (DecodedEvent.of(message.event) for message in await paid_messages(app))
    projection = Payments()
    async with pool.connection() as conn:
        await projection.write(conn, [first])
    async with pool.connection() as other:
        async with pool.connection() as conn:
            await projection.write(conn, [second])
            late = asyncio.create_task(projection.write(other, [second, third]))
            await waits_for_a_lock(pool)
        with pytest.raises(RowsChangedMeanwhile, match="1 rows were to change, 0 did"):
            await late
        await other.rollback()


async def waits_for_a_lock(pool: Pool) -> None:
    async def waiting() -> int:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        async with pool.connection() as conn:
            row = await (await conn.execute(query)).fetchone()
        assert row is not None
        return int(row[0])

    await eventually(waiting)


async def test_a_payment_whose_events_move_to_another_partition_stops_loudly(app: AppConnection, pool: Pool) -> None:
    first, second, third = await paid_messages(app)
    await projecting(pool, PROJECTIONS)(FIRST, [first, second])
    with pytest.raises(VersionGap):
        await projecting(pool, PROJECTIONS)(TopicPartition(PAYMENT, 7), [first, second, third])


async def test_the_projector_has_no_more_rights_than_it_needs(reader: Connection) -> None:
    for statement in (
        "INSERT INTO event_store.streams VALUES (gen_random_uuid(), 'payment', 'm', 1)",
        "SELECT event_store.append('[]')",
        "SELECT * FROM consumers.gateway_tasks",
        "SELECT * FROM event_store.idempotency_keys",
        "TRUNCATE read_model.payments",
        "DELETE FROM consumers.consumer_checkpoints",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await reader.execute(statement)


async def test_a_difference_between_the_read_model_and_the_events_is_told(
    app: AppConnection, pool: Pool, reader: Connection
) -> None:
    messages = await paid_messages(app, 3)
    log = [message.event for message in messages]
    await project_log(pool, log[:8])
    payment_id = log[0].stream_id
    await reader.execute(
        "UPDATE read_model.payments SET amount_captured_cents = 999 WHERE payment_id = %s", [payment_id]
    )
    stranger = uuid.uuid4()
    await reader.execute("UPDATE read_model.payment_timeline SET payment_id = %s WHERE position = %s", [stranger, 4])

    found = await differences(reader, reader, chunk=1)

    named = {(each.projection, each.payment_id, each.version, each.field) for each in found}
    last = log[8].stream_id
    assert named >= {
        ("payments", payment_id, None, "amount_captured_cents"),
        ("payments", last, None, "status"),
        ("payment_timeline", last, 3, "row"),
        ("payment_timeline", stranger, 1, "row"),
        ("payment_timeline", log[3].stream_id, 1, "row"),
    }
    (amount,) = [each for each in found if each.field == "amount_captured_cents" and each.payment_id == payment_id]
    assert (amount.expected, amount.actual) == (1000, 999)
    assert len(await differences(reader, reader, limit=2)) == 2

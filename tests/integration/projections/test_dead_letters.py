"""Events that a projector cannot apply: dead letters of all its projections, with the projector's own rights."""

import asyncio
import random
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from prometheus_client import REGISTRY

from domain.ids import PaymentId
from domain.stripe_balance import PayoutStatus
from event_store.store import Connection as AppConnection
from infra.kafka.consumer.checkpoints import Checkpointed, create_checkpoints
from infra.kafka.consumer.dead_letters.admin import DeadLetterAdmin, Filter
from infra.kafka.consumer.dead_letters.delivery import Headers
from infra.kafka.consumer.dead_letters.replay import Replayer
from infra.kafka.consumer.dead_letters.writer import DeadLetterWriter
from infra.kafka.consumer.liveness import ConsumerProgress
from infra.kafka.consumer.partition_watch import PartitionWatch
from infra.kafka.consumer.record_applier import RecordApplier
from infra.postgres.pool import Connection, Pool
from projections.payments.projection import Payments
from projections.projection import Projection
from projections.registry import PROJECTIONS
from projections.runner import CONSUMER, projecting
from projections.verify import differences
from schemas.cloudevents import Delivered, from_kafka, to_kafka
from schemas.topics import PAYMENT, STRIPE_BALANCE
from tests.integration.infra.kafka.consumer.dead_letters.refusing_consumer import Watch
from tests.support.balance_events import a_payout, a_row
from tests.support.database import Database
from tests.support.payment_histories import by_partition, random_history
from tests.support.read_model import load_log, store, store_balance
from tests.support.rebuilds import rebuilding

pytestmark = pytest.mark.integration

FIRST = TopicPartition(PAYMENT, 0)
LACKING = [f"projection:{name}" for name in ("ledger", "payment_timeline", "payment_totals", "payments")]


class Projector:
    """A projector without Kafka."""

    def __init__(self, pool: Pool, projections: Sequence[Projection[Any]] = PROJECTIONS) -> None:
        self.checkpointed: Checkpointed[Delivered] = projecting(pool, projections)
        self.replayer = Replayer(self.checkpointed, from_kafka)

    async def deliver(self, messages: Sequence[Delivered], partition: TopicPartition = FIRST) -> None:
        progress = ConsumerProgress(stall_after_s=60)
        applier = RecordApplier[Delivered](
            name=CONSUMER,
            decode=from_kafka,
            apply=self.checkpointed,
            progress=progress,
            stop=asyncio.Event(),
            dead_letter_writer=DeadLetterWriter(self.checkpointed),
        )
        records = []
        for offset, message in enumerate(messages):
            wire = to_kafka(message.event, message.previous_position)
            records.append(
                ConsumerRecord(
                    topic=partition.topic,
                    partition=partition.partition,
                    offset=offset,
                    timestamp=0,
                    timestamp_type=0,
                    key=wire.key,
                    value=wire.value,
                    checksum=None,
                    serialized_key_size=0,
                    serialized_value_size=0,
                    headers=tuple(wire.headers),
                )
            )
        await applier.apply_records(cast("PartitionWatch", Watch()), partition, records)
        await progress.check_live()


async def payments(app: AppConnection, seed: int = 1) -> list[Delivered]:
    rng = random.Random(seed)
    ids = [uuid.UUID(int=rng.getrandbits(128), version=4) for _ in range(20)]
    await store(app, [(each, random_history(rng, payment_id=PaymentId(each), steps=12)) for each in ids], rng=rng)
    return by_partition(await load_log(app), 1)[0]


def with_a_newer(messages: Sequence[Delivered], change: dict[str, object]) -> tuple[list[Delivered], Delivered]:
    """Return the messages with the second event of some payment changed, and that event as it was."""
    victim = next(message for message in messages[20:] if message.event.version == 2)
    changed = replace(victim, event=replace(victim.event, **change))  # type: ignore[arg-type]
    return [changed if each is victim else each for each in messages], victim


async def open_letters(reader: Connection) -> list[tuple[int | None, str, str, list[str]]]:
    dead_letters, _ = await DeadLetterAdmin(reader).list_dead_letters(Filter(limit=1000))
    return [(each.position, each.reason.value, each.error_type, sorted(each.lacking)) for each in dead_letters]


async def replay(projector: Projector, reader: Connection, victim: Delivered, partition: TopicPartition = FIRST) -> int:
    """Ask for everything, and replay with code that can read the event."""

    def upgraded(value: bytes | None, headers: Headers) -> Delivered:
        found = from_kafka(value, headers)
        return victim if found.position == victim.position else found

    await DeadLetterAdmin(reader).request_replay(actor="op", all_of=CONSUMER)
    projector.replayer = Replayer(projector.checkpointed, upgraded)
    return await projector.replayer.replay(partition)


@pytest.mark.parametrize(
    ("change", "error_type"),
    [
        ({"type": "payment.from_the_future"}, "UnknownEventType"),
        ({"schema_version": 99}, "UnsupportedSchemaVersion"),
        ({"data": b"{"}, "InvalidEventData"),
        ({"data": b"{}"}, "InvalidEventData"),
        ({"version": 7}, "VersionGap"),
    ],
)
async def test_an_event_it_cannot_apply_and_those_behind_it_wait_for_an_upgrade(
    app: AppConnection, pool: Pool, reader: Connection, change: dict[str, object], error_type: str
) -> None:
    messages, victim = with_a_newer(await payments(app), change)
    counted = _counted("refused")
    projector = Projector(pool)
    await projector.deliver(messages)

    later = [each.position for each in messages if each.stream == victim.stream and each.position > victim.position]
    expected = [(victim.position, "refused", error_type, LACKING)] + [(at, "behind", "", LACKING) for at in later]
    assert await open_letters(reader) == expected
    assert _counted("refused") == counted + 1
    assert {each.payment_id for each in await differences(reader, reader)} == {victim.event.stream_id}

    assert await replay(projector, reader, victim) == len(expected)
    assert await differences(reader, reader) == []
    await projector.deliver(messages)
    assert await open_letters(reader) == []


async def begin_the_others(pool: Pool) -> None:
    """Have the other projections stand at the beginning, behind the payments."""
    async with pool.connection() as conn:
        await create_checkpoints(conn, CONSUMER, LACKING, FIRST)


async def test_a_projection_added_later_lacks_and_gets_what_the_others_do(
    app: AppConnection, pool: Pool, reader: Connection
) -> None:
    messages, victim = with_a_newer(await payments(app), {"schema_version": 99})
    await Projector(pool, [Payments()]).deliver(messages)
    await begin_the_others(pool)
    both = Projector(pool)
    await both.deliver(messages)
    assert {tuple(lacking) for *_, lacking in await open_letters(reader)} == {tuple(LACKING)}
    await replay(both, reader, victim)
    assert await differences(reader, reader) == []


async def test_a_projection_being_built_comes_to_a_replayed_event_by_itself(
    app: AppConnection, pool: Pool, reader: Connection
) -> None:
    messages, victim = with_a_newer(await payments(app), {"schema_version": 99})
    await Projector(pool, [Payments()]).deliver(messages)
    await begin_the_others(pool)
    both = Projector(pool)
    await both.deliver(messages[:5])
    assert await replay(both, reader, victim) > 0
    await both.deliver([victim if each.position == victim.position else each for each in messages])
    assert await open_letters(reader) == []
    assert await differences(reader, reader) == []


def _counted(reason: str) -> float:
    labels = {"consumer": CONSUMER, "topic": PAYMENT, "reason": reason}
    return REGISTRY.get_sample_value("consumer_dead_letters_total", labels) or 0.0


async def test_a_balance_event_is_a_dead_letter_of_its_own_projections(
    app: AppConnection, pool: Pool, reader: Connection
) -> None:
    balance = TopicPartition(STRIPE_BALANCE, 0)
    before, after = (a_row(f"txn_{number}", reporting_category="topup") for number in (1, 2))
    await store_balance(app, before, a_payout(PayoutStatus.IN_TRANSIT), a_payout(PayoutStatus.PAID), after)
    messages = by_partition(await load_log(app), 1)[0]
    victim = messages[1]
    broken = replace(victim, event=replace(victim.event, schema_version=99))
    projector = Projector(pool)
    await projector.deliver([messages[0], broken, *messages[2:]], balance)

    assert await open_letters(reader) == [
        (victim.position, "refused", "UnsupportedSchemaVersion", ["projection:ledger", "projection:payouts"]),
        (messages[2].position, "behind", "", ["projection:ledger", "projection:payouts"]),
    ]
    posted = "SELECT DISTINCT position FROM read_model.ledger_entries ORDER BY 1"
    good = [(messages[0].position,), (messages[3].position,)]
    assert await (await reader.execute(posted)).fetchall() == good
    assert await replay(projector, reader, victim, balance) == 2
    assert await (await reader.execute(posted)).fetchall() == sorted([*good, (messages[2].position,)])


async def test_a_rebuild_leaves_out_dead_letters_until_they_are_replayed(
    database: Database, app: AppConnection, pool: Pool, reader: Connection
) -> None:
    messages, victim = with_a_newer(await payments(app), {"schema_version": 99})
    projector = Projector(pool)
    await projector.deliver(messages)
    async with rebuilding(database, "payment_timeline", partitions=1) as work:
        build, comparison = await work.build()
        assert comparison.differences == []
        assert await replay(projector, reader, victim) > 0
        await work.swap(build, comparison, forced=False, reason=None)
    assert await differences(reader, reader) == []
    await projector.deliver(messages)
    assert await open_letters(reader) == []


async def test_what_stays_a_dead_letter_is_applied_to_the_rebuilt_tables_later(
    database: Database, app: AppConnection, pool: Pool, reader: Connection
) -> None:
    messages, victim = with_a_newer(await payments(app), {"schema_version": 99})
    await Projector(pool, [Payments()]).deliver(messages)
    both = Projector(pool)
    await both.deliver(messages)
    async with rebuilding(database, "payment_timeline", partitions=1) as work:
        build, comparison = await work.build()
        await work.swap(build, comparison, forced=False, reason=None)
    assert {tuple(lacking) for *_, lacking in await open_letters(reader)} == {
        ("projection:payment_timeline", "projection:payments")
    }
    await replay(both, reader, victim)
    async with rebuilding(database, "ledger", partitions=1) as work:
        build, comparison = await work.build()
        await work.swap(build, comparison, forced=False, reason=None)
    assert await differences(reader, reader) == []
    assert await open_letters(reader) == []

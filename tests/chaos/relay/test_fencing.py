"""Two relays of one shard: one publishes, the other stands by; one that was frozen is fenced and ends by itself."""

import asyncio
import random

import pytest

from event_store.store import Connection
from infra.settings.kafka import KafkaSettings
from tests.chaos.relay.append_load import Load
from tests.chaos.relay.conftest import Report
from tests.chaos.relay.relay_processes import RelayProcess, Relays
from tests.chaos.relay.topic_verification import verify_when_complete
from tests.support.payment_load import chaos_seed
from tests.support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.apache_kafka, pytest.mark.timeout(400)]

ROUNDS = 3
EVENTS = 3_000


async def test_of_two_started_at_once_one_publishes_and_the_other_stands_by(
    app: Connection, kafka: KafkaSettings, relays: Relays, report: Report
) -> None:
    chance = random.Random(chaos_seed())
    starting = asyncio.create_task(relays.started("0/1", "0/1"))
    await Load(connection=app, chance=chance).run(EVENTS, until=starting)
    leader = await relays.leader()
    verification = await verify_when_complete(app, kafka)
    (other,) = set(relays.made) - {leader}
    assert other.said("relay_is_standby")
    assert not other.said("relay_started")
    report("two relays of one shard, started at once", verification)


async def test_a_frozen_relay_is_succeeded_and_fenced_and_ends_by_itself(
    app: Connection, kafka: KafkaSettings, relays: Relays, report: Report
) -> None:
    chance = random.Random(chaos_seed())
    await relays.started("0/1", "0/1")

    async def freeze_again_and_again() -> None:
        for _ in range(ROUNDS):
            frozen = await relays.leader()
            await asyncio.sleep(chance.uniform(0, 0.5))  # at random: into what it falls is what varies
            frozen.pause()
            (successor,) = set(relays.made) - {frozen}
            await eventually(successor.leads, within=60)
            frozen.resume()
            await assert_ended_because_of_a_newer_one(frozen)
            # Its supervisor starts it again: it stands by, and the other goes on.
            already = len(frozen.said("relay_is_standby"))
            await frozen.start()
            await eventually(
                lambda relay=frozen: said(relay, "relay_is_standby"),  # type: ignore[misc]
                lambda found, n=already: found > n,  # type: ignore[misc]
                within=60,
            )
            assert await relays.leader() is successor

    freezing = asyncio.create_task(freeze_again_and_again())
    # So fast that the relay is always in the midst of a transaction, with the next events in hand.
    load = Load(connection=app, chance=random.Random(chance.random()), per_second=2_000)
    await load.run(EVENTS, until=freezing)
    await freezing
    report(f"SIGSTOP, succession, SIGCONT, {ROUNDS} times", await verify_when_complete(app, kafka))


async def test_a_frozen_relay_of_another_layout_is_fenced_as_well(
    app: Connection, kafka: KafkaSettings, relays: Relays, report: Report
) -> None:
    chance = random.Random(chaos_seed())
    (frozen,) = await relays.started("0/1")
    two = [relays.new("0/2"), relays.new("1/2")]

    async def change_layout() -> None:
        await asyncio.sleep(chance.uniform(0, 0.5))  # at random: into what it falls is what varies
        frozen.pause()
        for relay in two:
            await relay.start()
        for relay in two:
            await eventually(relay.leads, within=60)
        frozen.resume()
        await assert_ended_because_of_a_newer_one(frozen)

    changing = asyncio.create_task(change_layout())
    load = Load(connection=app, chance=random.Random(chance.random()), per_second=2_000)
    await load.run(EVENTS, until=changing)
    await changing
    report("SIGSTOP, two shards take over, SIGCONT", await verify_when_complete(app, kafka))


async def said(relay: RelayProcess, event: str) -> int:
    return len(relay.said(event))


async def assert_ended_because_of_a_newer_one(relay: RelayProcess) -> None:
    already = len(relay.said("process_failed"))
    assert await relay.ended() == 1
    lines = relay.said("process_failed")
    assert len(lines) <= already + 1, "one line says it"
    assert "a newer relay of shard" in lines[-1]["error"]
    assert "exception" not in lines[-1]

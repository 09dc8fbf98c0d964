"""kill -9 of relays at random instants while events are appended: each event is in the topic once, in order."""

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

EVENTS = 20_000
KILLS = 30
LAYOUTS = {"with a relay that stands by": ("0/1", "0/1"), "of two shards": ("0/2", "1/2")}


async def kill_again_and_again(running: list[RelayProcess], chance: random.Random) -> int:
    """Kill a relay at random instants, and start it again. Return how many of them published at that moment.

    Two of three times it is awaited that one publishes; else it may be one that starts or stands by.
    """

    async def leading() -> list[RelayProcess]:
        return [each for each in running if await each.leads()]

    publishing = 0
    for kill in range(KILLS):
        if kill % 3:
            await eventually(leading, within=60)
        await asyncio.sleep(chance.uniform(0, 1.2))  # at random: into what the kill falls is what varies
        leaders = await leading()
        victim = chance.choice(leaders or running)
        victim.kill()
        publishing += victim in leaders
        if kill % 3 == 0:
            await asyncio.sleep(chance.uniform(0, 0.3))
        await victim.start()
    return publishing


@pytest.mark.parametrize("layout", LAYOUTS)
async def test_each_event_is_there_once_and_in_order(
    layout: str, app: Connection, kafka: KafkaSettings, relays: Relays, report: Report
) -> None:
    chance = random.Random(chaos_seed())
    running = await relays.started(*LAYOUTS[layout])
    load = Load(connection=app, chance=random.Random(chance.random()))
    async with asyncio.TaskGroup() as group:
        killing = group.create_task(kill_again_and_again(running, chance))
        group.create_task(load.run(EVENTS, until=killing))
    publishing = killing.result()
    report(f"kill -9, {KILLS} times ({publishing} publishing), {layout}", await verify_when_complete(app, kafka))
    assert publishing >= KILLS // 2

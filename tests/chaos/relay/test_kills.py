"""kill -9 of relays at random instants while events are appended: each event is in the topic once, in order."""

import asyncio
import random

import pytest

from event_store.store import Connection
from infra.settings import KafkaSettings
from tests.chaos.relay.conftest import Report
from tests.chaos.relay.judge import judge_when_complete
from tests.chaos.relay.load import Load
from tests.chaos.relay.processes import RelayProcess, Relays
from tests.support.load import chaos_seed

pytestmark = [pytest.mark.chaos, pytest.mark.apache_kafka, pytest.mark.timeout(240)]

EVENTS = 20_000
KILLS = 30
LAYOUTS = {"with a relay that stands by": ("0/1", "0/1"), "of two shards": ("0/2", "1/2")}


async def kill_again_and_again(running: list[RelayProcess], chance: random.Random) -> int:
    """Kill a relay that publishes, or any when none does, at random instants, and start it again. Return how often."""
    for kill in range(KILLS):
        await asyncio.sleep(chance.uniform(0, 1.2))
        leading = [each for each in running if await each.leads()]
        victim = chance.choice(leading or running)
        victim.kill()
        if kill % 3 == 0:
            await asyncio.sleep(chance.uniform(0, 0.3))
        await victim.start()
    return KILLS


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
    assert killing.result() == KILLS
    report(f"kill -9, {KILLS} times, {layout}", await judge_when_complete(app, kafka))

"""kill -9 at any instant: every event is applied once, or is a dead letter once; and replayed once."""

import asyncio
import os
import random
import sys
from pathlib import Path

import pytest

from infra.kafka.consumer.dead_letters.admin import DeadLetterAdmin
from infra.postgres.pool import Pool
from tests.integration.infra.kafka.consumer.dead_letters.refusing_consumer import PickyEffects, summaries
from tests.integration.infra.kafka.consumer.dead_letters.refusing_consumer_program import the_topic
from tests.integration.infra.kafka.consumer.noting_consumer import NAME
from tests.support.database import Database
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]

_REPOSITORY = Path(__file__).parents[6]
KILLS = 5


async def run_and_kill(database: Database, effects: PickyEffects, how: str, rng: random.Random) -> None:
    """Run the program again and again, each time killed some effects later, and in the end to its end."""

    async def start() -> asyncio.subprocess.Process:
        arguments = (
            sys.executable,
            "-m",
            "tests.integration.infra.kafka.consumer.dead_letters.refusing_consumer_program",
            database.url("app"),
            how,
        )
        environment = os.environ | {"PYTHONPATH": str(_REPOSITORY)}
        return await asyncio.create_subprocess_exec(*arguments, cwd=_REPOSITORY, env=environment, stdout=-3)

    for _ in range(KILLS):
        done = len(await effects.positions())
        process = await start()
        expected_count = done + rng.randint(1, 40)

        async def has_come_so_far(
            process: asyncio.subprocess.Process = process, expected_count: int = expected_count
        ) -> bool:
            return process.returncode is not None or len(await effects.positions()) >= expected_count

        await eventually(has_come_so_far, within=30, every=rng.choice((0.001, 0.003)))
        if process.returncode is None:
            process.kill()
        await process.wait()
    process = await start()
    assert await process.wait() == 0


async def test_a_consumer_that_is_killed_loses_nothing_and_repeats_nothing(pool: Pool, database: Database) -> None:
    topic, rng = the_topic(), random.Random(7)
    effects = PickyEffects(pool)
    await effects.prepare(database.url("owner"))

    await run_and_kill(database, effects, "refuse", rng)
    dead = [position for position, *_ in await summaries(pool) if position is not None]
    assert len(dead) > 20
    assert sorted([*await effects.positions(), *dead]) == topic.positions

    async with pool.connection() as conn:
        await DeadLetterAdmin(conn).request_replay(actor="op", all_of=NAME)
    await run_and_kill(database, effects, "accept", rng)
    assert {status for *_, status in await summaries(pool)} == {"applied"}
    assert await effects.positions() == topic.positions
    order = await effects.in_order()
    for stream in {event.stream_id for event in topic.events}:
        of_stream = [event.position for event in topic.events if event.stream_id == stream]
        assert [position for position in order if position in of_stream] == of_stream

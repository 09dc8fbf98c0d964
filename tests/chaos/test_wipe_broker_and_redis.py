"""The broker's memory and Redis are wiped while payments run: both are rebuilt from the event store."""

import asyncio
import random
from pathlib import Path

import psycopg
import pytest

from infra.embedded.process import processes_of
from tests.support.payment_load import Customers, assert_stripe_agrees, chaos_seed
from tests.support.system import System, running_system
from tests.support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.broker, pytest.mark.timeout(240), pytest.mark.own_system]


async def wipe_again_and_again(system: System, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(5):
        await asyncio.sleep(chance.random())  # at random: into what it falls is what varies, as below
        await system.stack.flush_redis()
        await asyncio.sleep(chance.random())
        await system.stack.wipe_broker()


async def test_nothing_is_lost_and_nothing_happens_twice(tmp_path: Path) -> None:
    seed = chaos_seed()
    async with running_system(tmp_path) as system:
        customers = Customers(system=system, seed=seed, rest_s=0.5)
        async with asyncio.TaskGroup() as group:
            wiping = group.create_task(wipe_again_and_again(system, seed))
            group.create_task(customers.run(200, until=wiping))
        await assert_stripe_agrees(system, customers.made)


async def test_a_system_that_was_wiped_while_idle_goes_on(tmp_path: Path) -> None:
    async with running_system(tmp_path) as system:
        before = Customers(system=system)
        await before.run(20)
        await assert_stripe_agrees(system, before.made)
        await system.stack.wipe_broker()
        await system.stack.flush_redis()
        after = Customers(system=system)
        await after.run(20)
        await assert_stripe_agrees(system, before.made + after.made)


async def test_an_emptied_read_model_is_built_again(tmp_path: Path) -> None:
    async with running_system(tmp_path, processes=processes_of("separate")) as system:
        customers = Customers(system=system)
        await customers.run(20)
        await assert_stripe_agrees(system, customers.made)
        system.stack.kill("projector")
        async with await psycopg.AsyncConnection.connect(system.stack.database_url(), autocommit=True) as connection:
            await connection.execute(
                "DO $$ BEGIN EXECUTE (SELECT 'TRUNCATE ' || string_agg(format('read_model.%I', tablename), ', ')"
                " FROM pg_tables WHERE schemaname = 'read_model'); END $$"
            )
            await connection.execute("DELETE FROM consumers.consumer_checkpoints WHERE consumer LIKE 'projection:%'")
        assert await system.differences()
        await system.stack.restart("projector")
        assert await eventually(system.differences, lambda found: not found, within=60) == []

"""kill -9 of every process at random while payments run: nothing is lost and nothing happens twice."""

import asyncio
import random
from pathlib import Path

import pytest

from tests.support.payment_load import Customers, assert_stripe_agrees, chaos_seed
from tests.support.system import System, running_system

pytestmark = [pytest.mark.chaos, pytest.mark.broker, pytest.mark.timeout(600), pytest.mark.own_system]

PAYMENTS = 200
ROUNDS = 1  # how often each process is killed: once with each kind of broker


async def kill_each(system: System, seed: int) -> list[str]:
    """Kill every part of the stack `ROUNDS` times in random order, each time starting it again."""
    chance = random.Random(seed)
    victims = [part.name for part in system.stack.components] * ROUNDS
    chance.shuffle(victims)
    for victim in victims:
        system.stack.kill(victim)
        await asyncio.sleep(chance.random() * 0.3)  # at random: into what a kill falls is what varies
        await system.stack.restart(victim)
        await asyncio.sleep(chance.random() * 0.3)
    return victims


async def test_each_payment_is_settled_and_charged_once_whatever_is_killed(tmp_path: Path) -> None:
    seed = chaos_seed()
    async with running_system(tmp_path) as system:
        customers = Customers(system=system, seed=seed, rest_s=3.0)
        async with asyncio.TaskGroup() as group:
            killing = group.create_task(kill_each(system, seed))
            group.create_task(customers.run(PAYMENTS, until=killing))
        assert set(killing.result()) == {part.name for part in system.stack.components}
        assert len(customers.made) >= PAYMENTS
        await assert_stripe_agrees(system, customers.made)

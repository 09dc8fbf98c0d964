"""Lives of payments while Stripe shows every fault that it can show, and every process is killed again and again."""

import asyncio
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import psycopg
import pytest

from infra.stripe_sandbox.client import SandboxAdmin
from infra.stripe_sandbox.faults.rules import OF_REQUESTS, OF_WEBHOOKS
from tests.chaos.stripe import comparison
from tests.chaos.stripe.random_faults import TIMEOUT_MS, let_loose
from tests.chaos.stripe.shoppers import Shop
from tests.support.payment_load import chaos_seed
from tests.support.system import System, running_system
from tests.support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900), pytest.mark.own_system]

PAYMENTS = int(os.environ.get("CHAOS_PAYMENTS", "500"))
CLIENTS = 32
LIVED_WITHIN_S = 420
FINISHES_WITHIN_S = 180
_MAX_WAIT_MS = 1000
SETTINGS = {
    "STRIPE_TIMEOUT_MS": str(TIMEOUT_MS),
    "STRIPE_MAX_WAIT_MS": str(_MAX_WAIT_MS),
    "STRIPE_RATE_LIMIT_TEST_PER_S": "0",  # 429 is met all the same; how it slows calls down has tests of its own
    "GATEWAY_LEASE_MS": "8000",
    # What takes ten minutes, or a day, takes seconds here.
    "GATEWAY_LOOKUP_AFTER_MS": "300",
    "GATEWAY_MISSING_AFTER_MS": "5000",
    "SWEEPER_INTERVAL_MS": "1000",
    "SWEEPER_WAIT_MS": "3000",
    "BALANCE_POLL_INTERVAL_MS": "10000",
    "SWEEPER_BATCH": "500",
    "WEBHOOKS_WAIT_FOR_CALLS_MS": "300",
    "STRIPE_SANDBOX_SETTLE_MS": "1000",
}


async def kill_at_random(
    system: System, chance: random.Random, until: asyncio.Event, *, often: Collection[str] = ()
) -> Counter[str]:
    """Kill one part after the other, and start it again, until told to stop; in each round all, some of them often."""
    killed: Counter[str] = Counter()
    names = [part.name for part in system.stack.components]
    names += 3 * [name for name in names if name in often]
    waiting: list[str] = []
    while not until.is_set():
        waiting = waiting or chance.sample(names, len(names))
        name = waiting.pop()
        system.stack.kill(name)
        await asyncio.sleep(chance.random() * 0.3)  # how long it is away
        await system.stack.restart(name)
        killed[name] += 1
        await asyncio.sleep(2 + 3 * chance.random())  # a start takes as much of the machine as a hundred payments
    return killed


async def fired(admin: SandboxAdmin) -> dict[str, int]:
    """Return how often each fault came true."""
    counts: Counter[str] = Counter()
    for rule in await admin.faults():
        counts[str(rule["effect"])] += int(str(rule["fired"]))
    return dict(counts)


async def dead_letters(system: System) -> int:
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as connection:
        row = await (await connection.execute("SELECT count(*) FROM consumers.dead_letters")).fetchone()
    assert row is not None
    return int(row[0])


async def test_no_payment_is_left_unsettled_and_all_books_agree(tmp_path: Path) -> None:
    seed = chaos_seed()
    began = time.monotonic()
    async with running_system(tmp_path, settings=SETTINGS) as system, SandboxAdmin(system.stack.urls.sandbox) as admin:
        await let_loose(admin, seed)
        shop, done = Shop(system=system, admin=admin, seed=seed), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            killing = group.create_task(kill_at_random(system, random.Random(seed), done))
            try:
                async with asyncio.timeout(LIVED_WITHIN_S):
                    await shop.open(PAYMENTS, clients=CLIENTS)
            finally:
                done.set()
        came_true = await fired(admin)
        await admin.clear_faults()
        lived = time.monotonic() - began
        left = await eventually(
            lambda: comparison.unsettled(system, shop.made),
            until=lambda found: not found,
            within=FINISHES_WITHIN_S,
            every=0.5,
        )
        assert left == []
        finished = time.monotonic() - began - lived

        assert len(shop.made) == PAYMENTS
        differences = await eventually(
            lambda: comparison.differences(system, admin, shop.made),
            until=lambda found: not found,
            within=60,
            every=1,
        )
        assert differences == [], f"CHAOS_SEED={seed}"
        assert await dead_letters(system) == 0
        never = {effect.value for effect in OF_REQUESTS | OF_WEBHOOKS if not came_true.get(effect.value)}
        assert never == set(), "not every fault was met"
        _report(shop, killing.result(), came_true, lived=lived, finished=finished)


def _report(shop: Shop, killed: Counter[str], came_true: dict[str, int], *, lived: float, finished: float) -> None:
    lines = (
        f"{len(shop.made)} payments lived for {lived:.0f} s, and all was settled {finished:.0f} s later",
        f"asked: {dict(sorted(shop.requested.items()))}",
        f"killed: {dict(sorted(killed.items()))}",
        f"faults: {dict(sorted(came_true.items()))}",
    )
    sys.stdout.write("".join(f"{line}\n" for line in lines))

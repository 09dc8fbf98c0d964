"""Operators see the circuit breakers of each process that calls Stripe; what cannot be told holds up no payment."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from infra.postgres.pool import Pool, create_pool
from infra.stripe.guard.breaker import Rules
from infra.stripe.guard.circuit import Circuit
from infra.stripe.guard.guard import StripeGuard
from infra.stripe.guard.reports import BreakerReports, breakers_reported
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


def a_guard() -> StripeGuard:
    circuit = Circuit("stripe", Rules(consecutive=2, open_s=60))
    return StripeGuard(circuit, None, max_concurrency=2, max_wait_s=1)


async def fail(guard: StripeGuard) -> None:
    for _ in range(2):
        with pytest.raises(ConnectionError):
            async with guard.call("create_refund", writes=True):
                raise ConnectionError("refused")


async def rows(pool: Pool) -> Sequence[tuple[Any, ...]]:
    async with pool.connection() as conn:
        cursor = await conn.execute("SELECT process, breaker, state FROM consumers.circuit_breakers ORDER BY 1, 2")
        return await cursor.fetchall()


async def test_a_breaker_that_opens_is_told_with_its_time(pool: Pool) -> None:
    guard = a_guard()
    reports = BreakerReports(pool, guard, "gateway", place="a:1")
    await reports.look()
    assert await rows(pool) == [("gateway at a:1", "stripe", "closed")]
    await fail(guard)
    await reports.look()
    assert await rows(pool) == [
        ("gateway at a:1", "stripe", "closed"),
        ("gateway at a:1", "stripe:create_refund", "open"),
    ]
    (opened,) = [each.since for each in guard.breakers() if each.name != "stripe"]
    async with pool.connection() as conn:
        cursor = await conn.execute("SELECT since FROM consumers.circuit_breakers WHERE state = 'open'")
        assert await cursor.fetchone() == (opened,)


async def test_a_process_that_stops_takes_its_breakers_back_and_no_others(pool: Pool) -> None:
    await BreakerReports(pool, a_guard(), "gateway", place="other:2").look()
    stop = asyncio.Event()
    running = asyncio.create_task(BreakerReports(pool, a_guard(), "gateway", place="a:1").run(stop))
    await eventually(lambda: rows(pool), lambda found: len(found) == 2)
    stop.set()
    await running
    assert [process for process, *_ in await rows(pool)] == ["gateway at other:2"]


async def test_services_that_share_a_guard_tell_of_it_once(pool: Pool) -> None:
    guard, stops = a_guard(), {name: asyncio.Event() for name in ("sweeper", "balance")}
    running = [asyncio.create_task(BreakerReports(pool, guard, name, place="a:1").run(stops[name])) for name in stops]
    alone = asyncio.create_task(BreakerReports(pool, a_guard(), "command-api", place="a:1").run(stops["balance"]))
    own = ("command-api at a:1", "stripe", "closed")
    shared = ("balance, sweeper at a:1", "stripe", "closed")
    await eventually(lambda: rows(pool), lambda found: found == [shared, own])
    stops["sweeper"].set()  # the one that told of it
    await eventually(lambda: rows(pool), lambda found: found == [("balance at a:1", "stripe", "closed"), own])
    stops["balance"].set()
    await asyncio.gather(*running, alone)
    assert await rows(pool) == []


async def test_a_block_that_fails_does_not_wait_for_the_end_of_its_process(pool: Pool) -> None:
    async def fail_within() -> None:
        async with breakers_reported(pool, a_guard(), "sweeper", asyncio.Event()):
            await eventually(lambda: rows(pool), lambda found: len(found) == 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(fail_within(), 20)


async def test_what_was_not_heard_of_for_a_day_goes(pool: Pool) -> None:
    await BreakerReports(pool, a_guard(), "gateway", place="dead:1").look()
    async with pool.connection() as conn:
        await conn.execute("UPDATE consumers.circuit_breakers SET seen_at = now() - interval '25 hours'")
    await BreakerReports(pool, a_guard(), "gateway", place="a:1").look()
    assert [process for process, *_ in await rows(pool)] == ["gateway at a:1"]


async def test_without_a_database_nothing_is_told_and_nothing_fails() -> None:
    away = create_pool("postgresql://nobody@127.0.0.1:1/none", size=1, name="away")
    stop = asyncio.Event()
    running = asyncio.create_task(BreakerReports(away, a_guard(), "gateway").run(stop))
    await asyncio.sleep(0)
    stop.set()
    await running

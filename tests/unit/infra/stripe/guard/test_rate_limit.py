"""Calls reserved in a shared bucket that is there, away, or slow."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from infra.stripe.guard.errors import TooManyCalls
from infra.stripe.guard.fakes import ManualClock
from infra.stripe.guard.priority import Priority
from infra.stripe.guard.token_bucket import Reservation
from tests.unit.infra.stripe.guard.limits import limit_over, shared_bucket


def gauge(name: str) -> float | None:
    return REGISTRY.get_sample_value(name)


async def test_a_refused_turn_is_asked_for_again() -> None:
    shared = shared_bucket(
        Reservation(granted=False, wait_s=0.01, rate=50), Reservation(granted=True, wait_s=0.01, rate=50)
    )
    await limit_over(shared).acquire()
    assert shared.requests == 2
    assert gauge("stripe_rate_limit_per_second") == 50


async def test_a_turn_that_does_not_come_in_time_is_given_up() -> None:
    shared = shared_bucket(*[Reservation(granted=False, wait_s=0.02, rate=1)] * 1000)
    limit = limit_over(shared, max_wait_s=0.1)
    with pytest.raises(TooManyCalls):
        await limit.acquire()
    # Ten that wait are no more load than one.
    shared.requests = 0
    results = await asyncio.gather(*(limit.acquire() for _ in range(10)), return_exceptions=True)
    assert all(isinstance(result, TooManyCalls) for result in results)
    assert shared.requests <= 7


async def test_one_reserves_for_all_who_wait() -> None:
    shared = shared_bucket()
    limit = limit_over(shared)
    await asyncio.gather(*(limit.acquire() for _ in range(12)))
    assert shared.requests <= 2
    shared.clock.now += 0.2
    await limit.acquire()
    assert shared.requests <= 3


async def test_a_call_reserved_for_one_who_left_is_made_soon_or_never() -> None:
    shared = shared_bucket(
        *[Reservation(granted=True, wait_s=0, rate=100, later_s=(0,))] * 2,
        Reservation(granted=True, wait_s=0, rate=100),
    )
    limit = limit_over(shared)
    await limit.acquire()
    shared.clock.now += 0.04
    await limit.acquire()
    assert shared.requests == 1
    await limit.acquire()
    shared.clock.now += 0.06
    await limit.acquire()
    assert shared.requests == 3


async def test_a_429_ends_what_was_reserved_at_the_rate_before() -> None:
    shared = shared_bucket(*[Reservation(granted=True, wait_s=0, rate=100, later_s=(0, 0))] * 2)
    limit = limit_over(shared)
    await limit.acquire()
    await limit.halve_rate()
    await limit.acquire()
    assert len(shared.successes) == 2


async def test_successes_are_told_with_the_next_turn() -> None:
    shared = shared_bucket()
    limit = limit_over(shared)
    await limit.acquire()
    for _ in range(3):
        limit.succeeded()
    await limit.acquire()
    await limit.acquire()
    assert shared.successes == [0, 3, 0]


async def test_a_429_is_told_at_once() -> None:
    shared = shared_bucket()
    limit = limit_over(shared)
    limit.succeeded()
    await limit.halve_rate()
    assert shared.halvings == 1
    assert gauge("stripe_rate_limit_per_second") == 50
    await limit.acquire()
    assert shared.successes == [0]


async def test_while_redis_is_away_this_process_keeps_to_its_part_and_says_so() -> None:
    clock = ManualClock()
    shared = shared_bucket(clock=clock)
    limit = limit_over(shared, processes=4)
    await limit.acquire()
    assert gauge("stripe_rate_limit_shared") == 1
    shared.away = True
    await limit.acquire()
    assert gauge("stripe_rate_limit_shared") == 0
    assert gauge("stripe_rate_limit_per_second") == pytest.approx(25)
    requests = shared.requests
    clock.now = 0.9
    await limit.acquire()
    await limit.halve_rate()
    assert shared.requests == requests  # it is left alone for a second
    assert gauge("stripe_rate_limit_per_second") == pytest.approx(12.5)


async def test_its_part_is_of_the_rate_that_they_last_shared() -> None:
    clock = ManualClock()
    shared = shared_bucket(clock=clock)
    limit = limit_over(shared, processes=2)
    clock.now = 100.0
    await limit.halve_rate()
    clock.now = 101.0  # a 429 that comes sooner is about the same excess
    await limit.halve_rate()
    assert shared.rate == 25
    shared.away = True
    await limit.acquire()
    assert gauge("stripe_rate_limit_per_second") == pytest.approx(12.5)


async def test_redis_is_asked_again_after_a_second_and_used_when_it_is_back() -> None:
    clock = ManualClock()
    shared = shared_bucket(away=True, clock=clock)
    limit = limit_over(shared)
    await limit.acquire()
    clock.now = 1.1
    await limit.acquire()
    assert shared.requests == 2
    shared.away = False
    clock.now = 2.2
    await limit.acquire()
    assert gauge("stripe_rate_limit_shared") == 1
    assert gauge("stripe_rate_limit_per_second") == 100


async def test_an_endpoint_that_is_limited_gets_fewer_turns_than_others() -> None:
    shared = shared_bucket(*[Reservation(granted=True, wait_s=0, rate=100)] * 100)
    limit = limit_over(shared, processes=1, max_wait_s=0.05)
    for _ in range(100):  # time stands still: each cut halves it, and only the first counts
        limit.halve_endpoint_rate("create_intent")
    got = await asyncio.gather(*(limit.acquire("create_intent") for _ in range(20)), return_exceptions=True)
    assert 1 <= sum(result is None for result in got) <= 5
    assert any(isinstance(result, TooManyCalls) for result in got)
    for _ in range(20):
        await limit.acquire("create_refund")
        await limit.acquire()


async def test_an_endpoint_is_as_fast_as_before_after_a_while() -> None:
    shared = shared_bucket()
    limit = limit_over(shared, processes=1, max_wait_s=5)  # of real time, which a busy machine takes away
    limit.halve_endpoint_rate("create_intent")
    for _ in range(1000):
        shared.clock.now += 1
        limit.succeeded("create_intent")
        await limit.acquire("create_intent")
    assert limit.limited_endpoints == frozenset()


async def test_urgent_calls_take_their_turn_before_others_that_wait() -> None:
    shared = shared_bucket(*[Reservation(granted=False, wait_s=0.005, rate=1)] * 4)
    limit, order = limit_over(shared), list[str]()

    async def take(name: str, priority: Priority) -> None:
        await limit.acquire("any", priority=priority)
        order.append(name)

    async with asyncio.TaskGroup() as group:
        for name in ("first", "second", "third"):
            group.create_task(take(name, Priority.NORMAL))
        await asyncio.sleep(0)
        group.create_task(take("list", Priority.BACKGROUND))
        group.create_task(take("refund", Priority.URGENT))
    assert order == ["first", "refund", "second", "third", "list"]

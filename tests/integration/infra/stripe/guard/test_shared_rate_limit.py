"""One rate limit for several processes, in a real Valkey."""

import asyncio
from time import monotonic

import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from infra.embedded.valkey import ValkeyServer
from infra.stripe.guard.errors import TooManyCalls
from infra.stripe.guard.rate_limit import RateLimit
from infra.stripe.guard.redis_token_bucket import RedisTokenBucket
from infra.stripe.guard.token_bucket import Reservation, TokenBucketRules
from tests.integration.infra.stripe.guard.rate_limit_process import StartProcess
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

PACE = TokenBucketRules(limit=111)  # a steady 100 calls a second
KEY = "paystream:rate:test"


class Lateness:
    """How late this loop ever woke: calls that were due meanwhile, one after the other, are made at once then."""

    def __init__(self) -> None:
        self.longest_s = 0.0

    async def watch(self) -> None:
        while True:
            due = monotonic() + 0.005
            await asyncio.sleep(0.005)
            self.longest_s = max(self.longest_s, monotonic() - due)


async def calls_of(limits: list[RateLimit], count: int) -> list[float]:
    """Make calls from several processes at once; return when each was made, in order."""
    made: list[float] = []

    async def call(limit: RateLimit) -> None:
        await limit.acquire()
        made.append(monotonic())

    await asyncio.gather(*(call(limits[number % len(limits)]) for number in range(count)))
    return sorted(made)


def most_in_a_second(made: list[float]) -> int:
    return max(sum(1 for other in made if moment <= other < moment + 1) for moment in made)


async def drain(bucket: RedisTokenBucket) -> Reservation:
    """Take reservations until none is left; return the refusal."""
    while (reservation := await bucket.reserve(successes=0)).granted:
        pass
    return reservation


@pytest.mark.slow
async def test_several_processes_keep_to_one_limit_and_use_it_up(process: StartProcess) -> None:
    limits, lateness = [process(PACE) for _ in range(3)], Lateness()
    watching = asyncio.create_task(lateness.watch())
    started = monotonic()
    made = await calls_of(limits, 210)
    took_s = monotonic() - started
    watching.cancel()
    # 11 at once, then 100 a second: 2 s. A late timer may put a call or two into the next second, a late loop more.
    assert most_in_a_second(made) <= 111 + 3 + 100 * lateness.longest_s
    assert 1.9 <= took_s < 3.5 + lateness.longest_s


async def test_the_redis_bucket_counts_as_the_local_one_does(redis: Redis) -> None:
    bucket = RedisTokenBucket(
        redis, "test", TokenBucketRules(limit=2.1, longest_wait_s=3.5, hold_after_halving_s=0, halvings_apart_s=0)
    )  # 1 a second
    first = await bucket.reserve(successes=0)
    assert (first.granted, first.wait_s, first.rate) == (True, 0, 1)
    second, third, fourth = [await bucket.reserve(successes=0) for _ in range(3)]
    assert second.granted
    assert 0.8 < second.wait_s <= 0.9
    assert 1.8 < third.wait_s <= 1.9
    assert 2.8 < fourth.wait_s <= 2.9
    refused = await bucket.reserve(successes=0)
    assert not refused.granted
    assert 0.3 < refused.wait_s <= 0.4
    assert await bucket.halve_rate() == 0.5
    assert await bucket.halve_rate() == 0.25
    raised = await bucket.reserve(successes=1000)
    assert raised.rate == pytest.approx(0.25 + 1 / 60, abs=0.001)
    for _ in range(10):
        lowest = await bucket.halve_rate()
    assert lowest == pytest.approx(0.05)


async def test_a_429_that_one_process_gets_slows_all_down_once(process: StartProcess, redis: Redis) -> None:
    one, other = process(PACE), process(PACE)
    await asyncio.gather(one.acquire(), other.acquire())
    await asyncio.gather(one.halve_rate(), other.halve_rate(), one.halve_rate())
    await other.acquire()
    assert REGISTRY.get_sample_value("stripe_rate_limit_per_second") == pytest.approx(50)
    assert float(await redis.hget(KEY, "rate") or 0) == pytest.approx(50)


async def test_successes_raise_it_again_after_a_while(redis: Redis) -> None:
    bucket = RedisTokenBucket(redis, "test", TokenBucketRules(limit=111, hold_after_halving_s=0.2))
    assert await bucket.halve_rate() == pytest.approx(50)
    assert (await bucket.reserve(successes=50)).rate == pytest.approx(50)

    async def rate() -> float:
        return (await bucket.reserve(successes=1000)).rate

    await eventually(rate, lambda found: found > 50, within=2)
    for _ in range(40):
        found = await rate()
    assert found == pytest.approx(100)


async def test_a_call_waits_no_longer_than_allowed(process: StartProcess, redis: Redis) -> None:
    await drain(RedisTokenBucket(redis, "test", TokenBucketRules(limit=2, longest_wait_s=5)))
    limit = process(TokenBucketRules(limit=2), max_wait_s=0.2)
    started = monotonic()
    with pytest.raises(TooManyCalls):
        await limit.acquire()
    assert 0.19 <= monotonic() - started < 1


@pytest.mark.slow
async def test_without_redis_each_process_keeps_to_its_part_until_it_is_back(
    valkey: ValkeyServer, process: StartProcess
) -> None:
    limits = [process(PACE, processes=2) for _ in range(2)]
    await asyncio.gather(*(limit.acquire() for limit in limits))
    await valkey.stop()
    assert most_in_a_second(await calls_of(limits, 150)) <= 111 + 2 + 3
    assert REGISTRY.get_sample_value("stripe_rate_limit_shared") == 0
    await valkey.restart()

    async def is_shared() -> bool:
        await asyncio.gather(*(limit.acquire() for limit in limits))
        return REGISTRY.get_sample_value("stripe_rate_limit_shared") == 1

    await eventually(is_shared, within=5)


async def test_a_clock_that_was_set_back_stops_nobody(redis: Redis) -> None:
    bucket = RedisTokenBucket(redis, "test", PACE)
    await bucket.reserve(successes=0)
    seconds, _ = await redis.time()
    future = (seconds + 86_400) * 1_000_000
    await redis.hset(KEY, mapping={"next_at": future, "cut_at": future})
    reservation = await bucket.reserve(successes=0)
    assert reservation.granted
    assert reservation.wait_s <= 0.01
    assert await bucket.halve_rate() == pytest.approx(100)  # as if just cut
    await redis.hset(KEY, mapping={"cut_at": future})
    assert await bucket.halve_rate() == pytest.approx(50)


async def test_a_limit_that_was_lowered_holds_at_once(redis: Redis) -> None:
    await RedisTokenBucket(redis, "test", PACE).reserve(successes=0)
    assert (
        await RedisTokenBucket(redis, "test", TokenBucketRules(limit=12)).reserve(successes=0)
    ).rate == pytest.approx(10)
    assert 3000 < await redis.ttl(KEY) <= 3600

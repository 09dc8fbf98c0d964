import asyncio
from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as RedisConnectionError

from infra.http.rate_limit import limiter as module
from infra.http.rate_limit.bucket import Bucket, BucketRules
from infra.http.rate_limit.limiter import RateLimiter
from tests.support.waiting import eventually

RULES = BucketRules(rate=10, burst_s=2)


class Shared:
    """A Redis that may be away; what others took is added to what is deducted."""

    def __init__(self) -> None:
        self.deducted: list[Mapping[str, tuple[int, int]]] = []
        self.full_in_s = 0.0
        self.is_away = False

    async def deduct(self, taken: Mapping[str, tuple[int, int]]) -> Sequence[float]:
        if self.is_away:
            raise RedisConnectionError
        self.deducted.append(dict(taken))
        return [self.full_in_s for _ in taken]


@given(st.integers(1, 50), st.integers(1, 5), st.lists(st.floats(0, 1), max_size=200))
def test_no_span_of_time_sees_more_than_its_rate_and_a_burst(rate: int, burst_s: int, pauses: list[float]) -> None:
    rules = BucketRules(rate=rate, burst_s=burst_s)
    now, taken = 0.0, 0
    bucket = Bucket(rules, now)
    for pause_s in pauses:
        now += pause_s
        taken += bucket.take(now)
        assert taken <= rules.capacity + now * rate + 1e-3
        assert 0 <= bucket.remaining(now) <= rules.capacity


def test_a_bucket_is_as_large_as_its_burst_and_fills_with_time() -> None:
    bucket = Bucket(RULES, 0.0)
    assert sum(bucket.take(0.0) for _ in range(30)) == 20
    assert bucket.next_in_s(0.0) > 0
    assert not bucket.take(0.09)
    assert bucket.take(0.11)
    assert sum(bucket.take(100.0) for _ in range(30)) == 20


async def test_a_request_says_what_is_left_and_a_refused_one_when_to_come() -> None:
    now = [0.0]
    limiter = RateLimiter({"write": RULES}, clock=lambda: now[0])
    first = limiter.grant("key", "write")
    assert first is not None
    assert (first.granted, first.policy, first.limit) == (True, '"write";q=20;w=2', '"write";r=19;t=1')
    for _ in range(19):
        limiter.grant("key", "write")
    refused = limiter.grant("key", "write")
    assert refused is not None
    assert (refused.granted, refused.limit, refused.retry_after_s) == (False, '"write";r=0;t=2', 1)
    other = limiter.grant("another key", "write")
    assert other is not None
    assert other.granted
    assert limiter.grant("key", "read") is None, "no limit is set for these routes"


async def test_what_others_took_is_known_after_a_report() -> None:
    now, shared = [0.0], Shared()
    limiter = RateLimiter({"write": RULES}, shared, clock=lambda: now[0])
    shared.full_in_s = 2.0
    assert (grant := limiter.grant("key", "write")) is not None
    assert grant.granted

    async def refused() -> bool:
        grant = limiter.grant("key", "write")
        return grant is not None and not grant.granted

    await eventually(refused, lambda is_refused: is_refused)
    assert set(shared.deducted[0]) == {"write:key"}
    assert shared.deducted[0]["write:key"][1] == RULES.rate
    await limiter.close()


async def test_without_redis_a_process_counts_alone_and_says_so() -> None:
    now, shared = [0.0], Shared()
    shared.is_away = True
    limiter = RateLimiter({"write": RULES}, shared, clock=lambda: now[0])
    assert (grant := limiter.grant("key", "write")) is not None
    assert grant.granted

    async def alone() -> float:
        return float(module.ALONE._value.get())

    await eventually(alone, lambda value: value == 1)
    assert sum(bool((each := limiter.grant("key", "write")) and each.granted) for _ in range(30)) == 19
    shared.is_away = False
    now[0] += 2
    limiter.grant("key", "write")
    await eventually(alone, lambda value: value == 0)
    await limiter.close()
    await asyncio.sleep(0)

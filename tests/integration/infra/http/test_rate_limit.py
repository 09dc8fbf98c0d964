"""The buckets that processes share, in a real Valkey."""

import pytest
from pydantic import SecretStr

from infra.embedded.valkey import ValkeyServer
from infra.http.rate_limit.bucket import BucketRules
from infra.http.rate_limit.limiter import RateLimiter
from infra.http.rate_limit.shared import RedisBuckets
from infra.redis.client import create_redis
from infra.settings.redis import RedisSettings
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


async def test_processes_share_the_bucket_of_a_key(valkey: ValkeyServer) -> None:
    redis = create_redis(RedisSettings(redis_url=SecretStr(valkey.url)))
    try:
        now = 0.0  # the processes' clocks stand: what fills the bucket is the server's, by less than it loses here
        policies = {"write": BucketRules(rate=1, burst_s=1000)}
        one, two = (RateLimiter(policies, RedisBuckets(redis), clock=lambda: now) for _ in range(2))
        for _ in range(900):
            grant = one.grant("key", "write")
            assert grant is not None
            assert grant.granted

        async def left() -> int:
            grant = two.grant("key", "write")
            assert grant is not None
            return int(grant.limit.partition("r=")[2].partition(";")[0])

        await eventually(left, lambda remaining: remaining <= 100)
        for limiter in (one, two):
            await limiter.close()
    finally:
        await redis.aclose()


async def test_reporting_adds_to_what_is_there_and_ends_by_itself(valkey: ValkeyServer) -> None:
    redis = create_redis(RedisSettings(redis_url=SecretStr(valkey.url)))
    try:
        buckets = RedisBuckets(redis)
        (first,) = await buckets.deduct({"write:a": (50, 10)})
        assert 4.9 < first <= 5.0
        second, other = await buckets.deduct({"write:a": (10, 10), "write:b": (1, 10)})
        assert 5.8 < second <= 6.0
        assert 0 < other <= 0.1
        assert 0 < await redis.pttl("paystream:requests:write:a") <= 7000
    finally:
        await redis.aclose()

"""What is down costs speed or is said clearly; it never costs a payment or makes two."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pydantic import SecretStr
from redis.asyncio import Redis

from command_api.commands.metrics import REDIS_UNAVAILABLE
from command_api.commands.response_cache import InFlight, KeyClaim, RedisResponseCache
from domain.ids import MerchantId
from event_store.appends import StoredResponse
from infra.embedded.valkey import ValkeyServer
from infra.postgres.pool import Pool, create_pool
from infra.redis.client import create_redis
from infra.settings.redis import RedisSettings
from tests.integration.command_api.running_api import MERCHANT, Running, running
from tests.support.database import Database
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

ANSWER = StoredResponse(fingerprint="f", status=201, response=b'{"id":"1"}', position=7)


@pytest_asyncio.fixture
async def silent_redis() -> AsyncIterator[Redis]:
    """A Redis that takes connections and never answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    client = create_redis(RedisSettings(redis_url=SecretStr(f"redis://127.0.0.1:{listener.getsockname()[1]}/0")))
    yield client
    await client.aclose()
    listener.close()


async def test_a_redis_that_never_answers_slows_down_only_one_request(pool: Pool, silent_redis: Redis) -> None:
    before = REDIS_UNAVAILABLE._value.get()
    async with running(pool, silent_redis) as api:
        started = time.monotonic()
        assert (await api.create("k-1")).status_code == 201
        first = time.monotonic() - started
        assert 0.2 <= first < 1
        started = time.monotonic()
        for number in range(10):
            assert (await api.create(f"k-2-{number}")).status_code == 201
        assert time.monotonic() - started < 1.8
        replay = await api.create("k-1")
        assert replay.headers["idempotent-replayed"] == "true"
    assert REDIS_UNAVAILABLE._value.get() >= before + 12


async def test_a_redis_that_comes_back_is_used_again(redis: Redis, valkey: ValkeyServer) -> None:
    cache = RedisResponseCache(redis, timeout_s=0.2, epoch=lambda: 1)
    await valkey.stop()
    away = await cache.claim(MERCHANT, "k-1")
    assert isinstance(away, KeyClaim)
    assert away.token is None
    await valkey.start()
    await valkey.wait_ready()

    async def claim_works() -> bool:
        claim = await cache.claim(MERCHANT, f"k-{time.monotonic_ns()}")
        return isinstance(claim, KeyClaim) and claim.token is not None

    await eventually(claim_works, within=5)


async def test_a_marker_is_released_only_by_its_holder(redis: Redis) -> None:
    cache = RedisResponseCache(redis, timeout_s=0.2, epoch=lambda: 1)
    claim = await cache.claim(MERCHANT, "k-1")
    assert isinstance(claim, KeyClaim)
    assert 0 < await redis.pttl(claim.name) <= 30_000
    assert await cache.claim(MERCHANT, "k-1") == InFlight()
    await cache.release(KeyClaim(name=claim.name, token=b"?someone else"))
    assert await cache.claim(MERCHANT, "k-1") == InFlight()
    await cache.release(claim)
    again = await cache.claim(MERCHANT, "k-1")
    assert isinstance(again, KeyClaim)
    await cache.store(again, ANSWER)
    await cache.release(again)
    assert await cache.claim(MERCHANT, "k-1") == ANSWER
    assert 86_000_000 < await redis.pttl(again.name) <= 86_400_000


async def test_an_answer_to_another_key_is_not_believed(redis: Redis) -> None:
    cache = RedisResponseCache(redis, timeout_s=0.2, epoch=lambda: 1)
    one, other = await cache.claim(MERCHANT, "k-1"), await cache.claim(MERCHANT, "k-2")
    assert isinstance(one, KeyClaim)
    assert isinstance(other, KeyClaim)
    await cache.store(one, ANSWER)
    await redis.rename(one.name, other.name)
    assert await cache.claim(MERCHANT, "k-2") == InFlight()


async def test_a_repeat_is_409_until_the_first_died_after_its_commit(
    pool: Pool, redis: Redis, valkey: ValkeyServer
) -> None:
    dead_process = RedisResponseCache(redis, timeout_s=0.2, epoch=lambda: 1)
    async with running(pool, redis) as api:
        await dead_process.claim(MERCHANT, "k-1")
        refused = await api.create("k-1")
        assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_key_in_use")
        assert refused.headers["retry-after"] == "1"

        original = await api.create("k-2")
        await valkey.flush()
        await dead_process.claim(MERCHANT, "k-2")
        assert (await api.create("k-2")).content == original.content


async def test_a_client_that_goes_away_leaves_a_whole_payment_and_its_answer(api: Running) -> None:
    async with api.pool.connection() as blocker:
        # Holds the command up inside its append.
        await blocker.execute(
            "SELECT event_store.append(%s::jsonb)",
            [_append_with_key("k-1", merchant_id=MERCHANT)],
        )
        request = asyncio.create_task(api.create("k-1", user_id="goes_away"))
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )

        async def held_up() -> int:
            async with api.pool.connection() as connection:
                row = await (await connection.execute(waiting)).fetchone()
            assert row is not None
            return int(row[0])

        await eventually(held_up)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        await blocker.rollback()

    async def answered() -> bool:
        answer = await api.create("k-1", user_id="goes_away")
        return answer.status_code == 201 and answer.headers.get("idempotent-replayed") == "true"

    await eventually(answered)
    assert await api.count("events") == 1


@pytest.mark.slow
async def test_without_postgres_a_command_is_503_with_the_key_to_ask_again_with(
    pool: Pool, redis: Redis, database: Database
) -> None:
    away = create_pool(database.url("app").replace(f":{database.server.port}/", ":1/"), size=2, name="away")
    await away.open()
    async with running(away, redis, timeout_s=0.5) as api:
        refused = await api.create()
        assert refused.status_code == 503
        assert refused.json()["code"] == "database_unavailable"
        assert refused.headers["retry-after"] == "1"
        key = refused.headers["idempotency-key"]
    await away.close()
    async with running(pool, redis) as api:
        accepted = await eventually(lambda: api.create(key), lambda answer: answer.status_code != 409)
        assert accepted.status_code == 201
        assert await api.count("events") == 1


def _append_with_key(key: str, *, merchant_id: MerchantId) -> str:
    return (
        '[{"stream_id":"00000000-0000-0000-0000-000000000001","category":"payment",'
        f'"merchant_id":"{merchant_id}","expected_version":0,'
        '"events":[{"event_id":"00000000-0000-0000-0000-000000000002","type":"t","schema_version":1,'
        '"data":{},"metadata":{}}],'
        f'"idempotency":{{"key":"{key}","fingerprint":"f","status":201,"response":"{{}}"}}}}]'
    )

"""The command API on a log that is closed, and on one that was opened in a new epoch."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from redis.asyncio import Redis

from command_api.commands.cached_responses import CachedResponses
from event_store.log_monitor import LogMonitor
from infra.embedded.valkey import ValkeyServer
from infra.postgres.pool import Pool, create_pool
from infra.process.health import Unhealthy
from infra.settings.redis import RedisSettings
from tests.integration.command_api.running_api import running
from tests.support.database import Database
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
def monitor() -> LogMonitor:
    return LogMonitor()


@pytest.fixture
async def pool(database: Database, monitor: LogMonitor) -> AsyncIterator[Pool]:
    async with create_pool(database.url("app"), size=2, name="test", configure=monitor.on_connect) as opened:
        yield opened


async def as_owner(database: Database, *statements: str) -> None:
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        for statement in statements:
            await owner.execute(statement)


async def test_a_closed_log_takes_no_command_and_says_when_to_ask_again(
    database: Database, pool: Pool, redis: Redis, monitor: LogMonitor
) -> None:
    async with running(pool, redis, epoch=lambda: monitor.epoch) as api:
        payment_id = await api.succeeded()
        await monitor.check(pool)
        await as_owner(database, "SELECT event_store.close_log('it lacks an event')")
        for answer in (
            await api.create("k-2"),
            await api.post(f"/payments/{payment_id}/refund", {"amount_cents": 1}, "k-3"),
            await api.post(f"/payments/{payment_id}/confirm", {}, "k-4"),
        ):
            assert answer.status_code in (409, 503), answer.text
            assert answer.status_code == 409 or int(answer.headers["retry-after"]) >= 1
        assert (await api.create("k-2")).json()["code"] == "database_unavailable"
        with pytest.raises(Unhealthy, match="the log is closed: it lacks an event"):
            await monitor.check(pool)
        assert monitor.epoch is None
        await as_owner(database, "SELECT event_store.reopen_log(1, 0, '{}')")
        await monitor.check(pool)
        assert (await api.create("k-2")).status_code == 201


async def test_what_redis_answered_for_in_an_older_epoch_is_not_replayed(
    database: Database, pool: Pool, redis: Redis, monitor: LogMonitor
) -> None:
    """PostgreSQL lost the payment, and Redis still has its 201."""
    async with running(pool, redis, epoch=lambda: monitor.epoch) as api:
        await monitor.check(pool)
        lost = (await api.create("k-1")).json()["id"]
        assert (await api.create("k-1")).headers["idempotent-replayed"] == "true"
        await as_owner(
            database,
            "ALTER TABLE event_store.events DISABLE TRIGGER USER",
            "DELETE FROM event_store.events",
            "DELETE FROM event_store.streams",
            "DELETE FROM event_store.idempotency_keys",
            "SELECT event_store.close_log('it came back younger')",
            "SELECT event_store.reopen_log(1, 0, '{}')",
        )
        await monitor.check(pool)
        made = await api.create("k-1")
        assert made.status_code == 201
        assert "idempotent-replayed" not in made.headers
        assert made.json()["id"] != lost
        assert (await api.create("k-1")).json() == made.json()


@pytest.mark.direct_postgres
async def test_a_new_connection_tells_of_the_epoch(database: Database, pool: Pool, monitor: LogMonitor) -> None:
    """A failover breaks the old ones: nobody has to ask whether the process is ready."""
    async with pool.connection():
        assert monitor.epoch == 1
    await as_owner(
        database,
        "SELECT event_store.close_log('x')",
        "SELECT event_store.reopen_log(1, 0, '{}')",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'test'",
    )
    await eventually(lambda: epoch_of(pool, monitor), until=lambda epoch: epoch == 2)


async def epoch_of(pool: Pool, monitor: LogMonitor) -> int | None:
    async with pool.connection():
        return monitor.epoch


async def test_redis_tells_whom_it_answered(
    pool: Pool, redis: Redis, valkey: ValkeyServer, monitor: LogMonitor
) -> None:
    async with running(pool, redis, epoch=lambda: monitor.epoch) as api:
        await monitor.check(pool)
        payment_id = await api.succeeded()
        refund = (await api.post(f"/payments/{payment_id}/refund", {"amount_cents": 1}, "k-3")).json()
    # The process ended: what it had answered is stored.
    traces = await CachedResponses().traces(RedisSettings.model_validate({"redis_url": valkey.url}))
    assert {(str(each.payment_id), each.position) for each in traces} >= {(payment_id, refund["position"])}
    assert len(traces) == 2

"""Reads that wait for the database are bounded: one too many is refused at once, and taken when there is room."""

import asyncio
import time

import httpx
import pytest
from prometheus_client import REGISTRY

from infra.postgres.pool import Pool, postgres_check
from infra.process.health import DependencyMissing
from query_api.database import create_read_pool
from tests.support.database import Database
from tests.support.query_client import client_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

SIZE, WAITING = 1, 2


def refused() -> float:
    return REGISTRY.get_sample_value("database_pool_refused_total", {"pool": "query-api"}) or 0


async def test_one_read_too_many_is_refused_at_once_and_later_taken(database: Database) -> None:
    pool = create_read_pool(database.url("query"), size=SIZE, timeout_ms=5000, max_waiting=WAITING)
    async with pool, client_of(pool) as client:
        before = refused()
        async with asyncio.TaskGroup() as group, pool.connection():
            waiting = [group.create_task(client.get("/payments")) for _ in range(WAITING)]
            await eventually(lambda: in_line(pool), lambda count: count == WAITING)
            began = time.monotonic()
            one_too_many = await client.get("/payments")
            assert time.monotonic() - began < 1
            assert refused() == before + 1
            checking = group.create_task(check(pool))
            await asyncio.sleep(0.1)
            assert not checking.done(), "it asks again"
        assert (one_too_many.status_code, one_too_many.json()["code"]) == (503, "overloaded")
        assert one_too_many.headers["content-type"] == "application/problem+json"
        assert int(one_too_many.headers["Retry-After"]) > 0
        assert [task.result().status_code for task in waiting] == [httpx.codes.OK] * WAITING
        assert (await client.get("/payments")).status_code == httpx.codes.OK


async def test_a_pool_that_stays_full_is_not_ready(database: Database) -> None:
    async with create_read_pool(database.url("query"), size=SIZE, timeout_ms=5000, max_waiting=1) as pool:
        async with asyncio.TaskGroup() as group, pool.connection():
            group.create_task(take_a_connection(pool))
            await eventually(lambda: in_line(pool), lambda count: count == 1)
            with pytest.raises(DependencyMissing):
                await check(pool)
        await check(pool)


async def check(pool: Pool) -> None:
    """Ask what `/health/ready` asks."""
    await postgres_check(pool)()


async def in_line(pool: Pool) -> int:
    """Return how many wait for a connection."""
    return pool.get_stats().get("requests_waiting", 0)


async def take_a_connection(pool: Pool) -> None:
    async with pool.connection():
        pass

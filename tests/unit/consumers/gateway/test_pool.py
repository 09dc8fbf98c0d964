"""What the worker pool does beside its work, without a database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import psycopg
import pytest
from prometheus_client import REGISTRY

from consumers.gateway import pool as pool_module
from consumers.gateway.pool import WorkerPool
from consumers.tasks.store import OpenTasks
from infra.postgres.pool import Pool


class NoPool:
    """A `Pool` whose connections nobody uses."""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[None]:
        yield None


class Closed:
    """An `Admission` that lets nobody claim."""

    def capacity(self) -> int | None:
        return 0

    async def wait_until_open(self) -> None:
        await asyncio.Event().wait()


async def nothing(*_: object) -> None:
    raise AssertionError("nothing is claimed")


async def test_tasks_are_counted_again_after_a_look_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise alerts of dead calls go by old numbers for as long as the process lives."""
    looks, stop = 0, asyncio.Event()

    async def count(_: object) -> dict[str, OpenTasks]:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise psycopg.errors.InsufficientPrivilege("permission denied for table gateway_tasks")
        stop.set()
        return {"dead": OpenTasks(status="dead", tasks=3, longest_s=77.0)}

    monkeypatch.setattr(pool_module, "count_open", count)
    monkeypatch.setattr(pool_module, "_COUNT_EVERY_S", 0.001)
    workers = WorkerPool(
        cast("Pool", NoPool()), nothing, concurrency=1, lease_ms=1000, wake=asyncio.Event(), admission=Closed()
    )
    async with asyncio.timeout(5):
        await workers.run(stop)
    assert REGISTRY.get_sample_value("gateway_tasks", {"status": "dead"}) == 3
    assert REGISTRY.get_sample_value("gateway_oldest_call_seconds", {"status": "dead"}) == 77
    assert REGISTRY.get_sample_value("gateway_oldest_call_seconds", {"status": "due"}) == 0

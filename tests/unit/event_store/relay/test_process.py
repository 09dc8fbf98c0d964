"""The relay's process: what runs beside the relay ends with it, however that ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from event_store.relay import process
from event_store.relay.process import RelaySettings, serve
from event_store.relay.status import RelayStatus
from infra.errors import ProcessFailed
from infra.process.health import Health
from infra.process.runtime import Runtime


class EndlessRelay:
    """A relay that publishes until it is canceled."""

    running = 0

    def __init__(self, *_: Any, **__: Any) -> None:
        self.status = RelayStatus()
        self.position = 0

    async def run(self) -> None:
        EndlessRelay.running += 1
        try:
            await asyncio.Event().wait()
        finally:
            EndlessRelay.running -= 1


@asynccontextmanager
async def no_pool(*_: Any, **__: Any) -> AsyncIterator[None]:
    yield None


async def test_a_relay_does_not_go_on_when_what_runs_beside_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    async def failing(*_: Any) -> None:
        await asyncio.sleep(0)
        raise ProcessFailed("the queue cannot be counted")

    monkeypatch.setattr(process, "Relay", EndlessRelay)
    monkeypatch.setattr(process, "watch_queue", failing)
    monkeypatch.setattr(process, "create_pool", no_pool)
    settings = RelaySettings.model_validate(
        {"database_url": "postgresql://localhost/x", "kafka_bootstrap_servers": "localhost:9092"}
    )
    runtime = Runtime(service="relay", settings=settings, stop=asyncio.Event(), health=Health())
    with pytest.raises(ProcessFailed, match="counted"):
        await serve(runtime, settings)
    assert EndlessRelay.running == 0

"""It consumes while there are endpoints, and not otherwise."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from consumers.webhooks_out import on_demand
from consumers.webhooks_out.on_demand import OnDemand
from infra.postgres.pool import DatabaseUnavailable, Pool
from infra.process.health import Health, Unhealthy
from tests.support.waiting import eventually


class Consumer:
    """Runs until it has to end; `all_of` are those that were made."""

    all_of: list["Consumer"]

    def __init__(self) -> None:
        self.state = "made"
        self.all_of.append(self)

    async def run(self, stop: asyncio.Event) -> None:
        self.state = "runs"
        await stop.wait()
        self.state = "ended"

    async def check_live(self) -> None:
        raise Unhealthy("of the consumer")

    check_ready = check_live


class NoDatabase:
    @asynccontextmanager
    async def connection(self) -> AsyncIterator[None]:
        yield None


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[bool | Exception]:
    """What the database says, the last one for ever."""
    given: list[bool | Exception] = [False]

    async def has_endpoints(_: Any) -> bool:
        answer = given.pop(0) if len(given) > 1 else given[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(on_demand, "has_endpoints", has_endpoints)
    monkeypatch.setattr(on_demand, "_LOOK_EVERY_S", 0.001)
    monkeypatch.setattr(on_demand, "_GO_ON_S", 0.01)
    return given


async def states() -> list[str]:
    return [each.state for each in Consumer.all_of]


async def test_it_begins_with_the_first_endpoint_and_ends_with_the_last(answers: list[bool | Exception]) -> None:
    Consumer.all_of, stop, health = [], asyncio.Event(), Health()
    subject = OnDemand(cast("Pool", NoDatabase()), cast("Any", Consumer))
    subject.register(health, "webhooks-out")
    running = asyncio.create_task(subject.run(stop))
    await asyncio.sleep(0)
    assert await states() == []
    await subject._check_ready()
    answers[:] = [DatabaseUnavailable("away"), True]
    await eventually(states, lambda found: found == ["runs"], every=0.001)
    with pytest.raises(Unhealthy):
        await subject._check_ready()
    answers[:] = [False]
    await eventually(states, lambda found: found == ["ended"], every=0.001)
    answers[:] = [True]
    await eventually(states, lambda found: found == ["ended", "runs"], every=0.001)
    stop.set()
    await asyncio.wait_for(running, 5)
    assert await states() == ["ended", "ended"]


async def test_a_fault_of_the_consumer_is_that_of_the_process(answers: list[bool | Exception]) -> None:
    class Broken(Consumer):
        async def run(self, stop: asyncio.Event) -> None:  # noqa: ARG002
            raise LookupError("broken")

    answers[:] = [True]
    Consumer.all_of = []
    subject = OnDemand(cast("Pool", NoDatabase()), cast("Any", Broken))
    with pytest.raises(ExceptionGroup):
        await asyncio.wait_for(subject.run(asyncio.Event()), 5)

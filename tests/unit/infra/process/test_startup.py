"""How long a process that has just started waits for what it needs."""

import asyncio

import pytest
from structlog.testing import capture_logs

from infra.process.health import DependencyMissing, Health, Unhealthy
from infra.process.startup import StartupTimedOut, watch_startup

TIMEOUT_S = 0.05


class Dependency:
    """A server that is there, or not, at each look; the last answer stays."""

    def __init__(self, *there: bool, away: Exception | None = None) -> None:
        self.there = there
        self.away = away or DependencyMissing("database not available")
        self.looks = 0

    async def check(self) -> None:
        is_there = self.there[min(self.looks, len(self.there) - 1)]
        self.looks += 1
        if not is_there:
            raise self.away


def health_of(*dependencies: Dependency, required: bool = True) -> Health:
    health = Health(timeout_s=0.02)
    for number, each in enumerate(dependencies):
        health.add_readiness(f"server {number}", each.check, required=required)
    return health


async def watch(health: Health, timeout_s: float = TIMEOUT_S) -> None:
    async with asyncio.timeout(5):
        await watch_startup(health, timeout_s=timeout_s, look_every_s=0.005)


async def test_what_was_never_there_is_named_with_how_long_it_was_waited_for() -> None:
    health = health_of(Dependency(True), Dependency(False))
    with pytest.raises(StartupTimedOut) as raised:
        await watch(health)
    assert str(raised.value) == (
        "waited 0.05 s (STARTUP_TIMEOUT_S) for what was never there: server 1: database not available"
    )


async def test_what_is_there_in_time_ends_nothing() -> None:
    await watch(health_of(Dependency(False, False, True)))


async def test_what_was_there_once_may_go_away_without_a_limit() -> None:
    lost = Dependency(False, True, False)
    await watch(health_of(lost))
    assert lost.looks == 2


async def test_dependencies_that_were_there_in_turn_were_all_there() -> None:
    await watch(health_of(Dependency(True, False), Dependency(False, True)))


async def test_a_reason_that_is_no_missing_dependency_is_no_reason_to_end() -> None:
    await watch(health_of(Dependency(False, away=Unhealthy("the log is closed: restored from a backup"))))


async def test_what_is_not_required_is_not_waited_for() -> None:
    await watch(health_of(Dependency(False), required=False))


async def test_a_server_that_does_not_answer_is_missing() -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    health = Health(timeout_s=0.01)
    health.add_readiness("postgres", hang)
    with pytest.raises(StartupTimedOut, match=r"postgres: no answer within 0\.01 s"):
        await watch(health)


async def test_a_check_that_comes_later_is_waited_for_too() -> None:
    health = Health()
    watching = asyncio.create_task(watch(health))
    await asyncio.sleep(0)
    health.add_readiness("postgres", Dependency(False).check)
    with pytest.raises(StartupTimedOut):
        await watching


async def test_members_of_a_shared_process_are_named() -> None:
    health = Health()
    health.set_member("relay", health_of(Dependency(False)))
    with pytest.raises(StartupTimedOut, match="relay: server 0: database not available"):
        await watch(health)


async def test_without_a_limit_nothing_is_looked_at() -> None:
    away = Dependency(False)
    await watch(health_of(away), timeout_s=0)
    assert away.looks == 0


async def test_what_is_waited_for_is_logged_once() -> None:
    with capture_logs() as logs, pytest.raises(StartupTimedOut):
        await watch(health_of(Dependency(False)))
    assert [(line["event"], line["missing"]) for line in logs] == [
        ("process_waits", {"server 0": "database not available"})
    ]

"""When a part that ended is started again."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from infra.embedded import supervisor
from infra.embedded.component import Component
from infra.embedded.errors import StartFailed
from infra.embedded.reports import ComponentEnded, ComponentReady, Report, RestartFailed


class Fragile:
    """Ends as soon as it runs; `failures` restarts fail before one works."""

    label = "Fragile"
    address = "127.0.0.1:1"
    exit_code = -9
    log = Path("fragile.log")
    running = False
    attended = False

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.restarts = 0

    async def restart(self, _: Component) -> None:
        self.restarts += 1
        if self.restarts <= self.failures:
            raise StartFailed("still broken", component="fragile")


async def watch(
    component: Fragile, monkeypatch: pytest.MonkeyPatch, *, sleeps: int
) -> tuple[list[float], list[Report]]:
    """Supervise until `sleeps` delays have passed; return them and what was reported."""
    delays: list[float] = []
    reports: list[Report] = []

    async def sleep(seconds: float) -> None:
        delays.append(seconds)
        if len(delays) == sleeps:
            raise asyncio.CancelledError

    monkeypatch.setattr("infra.embedded.supervisor.asyncio.sleep", sleep)
    with contextlib.suppress(asyncio.CancelledError):
        await supervisor.keep_running(component, component.restart, reports.append)  # type: ignore[arg-type]
    return delays, reports


async def test_each_time_it_ends_soon_the_delay_doubles_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    delays, _ = await watch(Fragile(), monkeypatch, sleeps=8)
    assert delays == [0.5, 1, 2, 4, 8, 15, 15, 15]


async def test_a_restart_that_fails_is_said_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    delays, reports = await watch(Fragile(failures=2), monkeypatch, sleeps=4)
    assert delays == [0.5, 1, 2, 4]
    assert [type(report) for report in reports] == [
        ComponentEnded,
        RestartFailed,
        RestartFailed,
        ComponentReady,
        ComponentEnded,
    ]


async def test_after_a_steady_run_the_delay_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(0, 1_000_000, 100))  # every look at the clock is 100 s after the one before
    monkeypatch.setattr("infra.embedded.supervisor.time.monotonic", lambda: next(now))
    delays, _ = await watch(Fragile(), monkeypatch, sleeps=4)
    assert delays == [0.5, 0.5, 0.5, 0.5]


async def test_what_somebody_else_restarts_meanwhile_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    component = Fragile()
    looks = 0

    async def sleep(_: float) -> None:
        nonlocal looks
        looks += 1
        component.attended = True
        if looks == 10:
            raise asyncio.CancelledError

    monkeypatch.setattr("infra.embedded.supervisor.asyncio.sleep", sleep)
    with contextlib.suppress(asyncio.CancelledError):
        await supervisor.keep_running(component, component.restart, lambda _: None)  # type: ignore[arg-type]
    assert component.restarts == 0

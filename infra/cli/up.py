"""`paystream up`: the embedded stack in the foreground."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from infra.cli.demo_day import play_day
from infra.cli.exit_codes import WRONG_OPTION
from infra.cli.foreground import EndSignals, unless
from infra.cli.log_follower import Follower
from infra.cli.readable_logs import log_line
from infra.cli.screen import Screen, what_to_try
from infra.cli.settings import UpSettings
from infra.embedded.connections import BrokerKind
from infra.embedded.errors import EmbeddedError, PortRangeInvalid
from infra.embedded.process import Layout, processes_of
from infra.embedded.stack import Stack
from infra.settings.loading import load_settings

_LOOK_EVERY_S = 0.2
_NO_PRODUCTION = (
    "paystream: APP_ENV=production, but `make run` is a system for development: it takes no real money, its passwords "
    "and keys are known, and its Stripe is a stand-in. Remedy: APP_ENV=development make run; for production, "
    "docker-compose.yml and .env.example."
)


def run_up(
    broker: BrokerKind = "embedded", layout: Layout = "together", *, prometheus: bool = False, demo: bool = False
) -> int:
    """Run the stack until a signal ends it; return the exit code: 1 when it does not start."""
    settings = load_settings(UpSettings)
    if settings.app_env == "production":
        print(_NO_PRODUCTION, file=sys.stderr)
        return 2
    screen = Screen()
    try:
        stack = _stack(settings, screen, broker, layout, prometheus=prometheus)
        return asyncio.run(_up(screen, stack, pace_per_minute=settings.demo_pace if demo else None))
    except KeyboardInterrupt:  # before or after the signals are ours: nothing runs then
        return 0
    except EmbeddedError as error:
        print(f"\npaystream: {error}", file=sys.stderr)
        return WRONG_OPTION if isinstance(error, PortRangeInvalid) else 1


def _stack(settings: UpSettings, screen: Screen, broker: BrokerKind, layout: Layout, *, prometheus: bool) -> Stack:
    return Stack(
        settings.paystream_home,
        ports={
            "command-api": settings.command_api_port,
            "query-api": settings.query_api_port,
            "sandbox": settings.stripe_sandbox_port,
            "back-office": settings.back_office_port,
            **({"prometheus": settings.prometheus_port} if prometheus else {}),
        },
        settings={"LOG_LEVEL": settings.log_level},
        supervise=True,
        broker=broker,
        prometheus=prometheus,
        processes=processes_of(layout),
        report=screen.report,
    )


async def _up(screen: Screen, stack: Stack, *, pace_per_minute: int | None) -> int:
    """Run it; with a pace, a day is played on it."""
    signals = EndSignals()
    signals.running = stack
    screen.say(f"Starting Paystream in {stack.home.path}")
    began = time.monotonic()
    try:
        follower = Follower(stack.home.logs / f"{name}.log" for name in stack.process_names)
        if not await unless(signals.stop_requested, stack.start()):
            screen.say("Stopped before it was up: every process has ended.")
            return 0
        screen.say(f"Paystream is up after {time.monotonic() - began:.1f} s.", *what_to_try(stack))
        async with _played(stack, screen, pace_per_minute):
            await _show_events(follower, screen, signals.stop_requested)
    finally:
        await _stop(stack, screen)
    return 0


@asynccontextmanager
async def _played(stack: Stack, screen: Screen, pace_per_minute: int | None) -> AsyncIterator[None]:
    """Play a day on the system while the block runs, if there is a pace."""
    if pace_per_minute is None:
        yield
        return
    screen.say(f"Playing a day: {pace_per_minute} things a minute (DEMO_PACE). Look at {stack.urls.back_office}", "")
    urls = {
        "command_api": stack.urls.command_api,
        "query_api": stack.urls.query_api,
        "sandbox": stack.urls.sandbox,
    }
    day = asyncio.create_task(
        play_day(urls, say=lambda text: screen.say(f"  demo  {text}"), pace_per_minute=pace_per_minute)
    )
    try:
        yield
    finally:
        day.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await day


async def _stop(stack: Stack, screen: Screen) -> None:
    was_running = any(component.running for component in stack.components)
    if was_running:
        screen.say("Stopping ...")
    await stack.stop()
    if was_running:
        screen.say("Stopped: every process has ended.")


async def _show_events(follower: Follower, screen: Screen, stop_requested: asyncio.Event) -> None:
    """Print notable events until asked to end."""
    while not stop_requested.is_set():
        screen.log_lines([shown for line in follower.new_lines() if (shown := log_line(line)) is not None])
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop_requested.wait(), _LOOK_EVERY_S)

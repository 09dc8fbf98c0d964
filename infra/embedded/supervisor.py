"""Starts a component again when it ends by itself, with a longer delay if that happens again soon."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from infra.backoff import Backoff, Pauses
from infra.embedded.component import Component
from infra.embedded.errors import EmbeddedError
from infra.embedded.reports import ComponentEnded, ComponentReady, Reporter, RestartFailed

_LOOK_EVERY_S = 0.1
_RESTART = Backoff(first_s=0.5, longest_s=15.0)
_STEADY_AFTER_S = 30.0


async def keep_running(component: Component, restart: Callable[[Component], Awaitable[None]], report: Reporter) -> None:
    """Watch `component` until cancelled, and `restart` it whenever it has ended.

    The delay doubles from 0.5 s to 15 s, and starts from 0.5 s again once the component has run for 30 s.
    """
    pauses = Pauses(_RESTART)
    while True:
        up_since = time.monotonic()
        while component.running or component.attended:  # noqa: ASYNC110 - the operating system sets no event
            await asyncio.sleep(_LOOK_EVERY_S)
        if time.monotonic() - up_since > _STEADY_AFTER_S:
            pauses.succeeded()
        pause_s = pauses.failed()
        report(
            ComponentEnded(label=component.label, exit_code=component.exit_code, again_in_s=pause_s, log=component.log)
        )
        await _bring_back(component, restart, report, pauses, pause_s)


async def _bring_back(
    component: Component,
    restart: Callable[[Component], Awaitable[None]],
    report: Reporter,
    pauses: Pauses,
    pause_s: float,
) -> None:
    """Try until it is up again."""
    while True:
        await asyncio.sleep(pause_s)
        if component.running or component.attended:  # restarted by somebody else meanwhile
            return
        started = time.monotonic()
        try:
            await restart(component)
        except EmbeddedError as error:
            pause_s = pauses.failed()
            report(RestartFailed(label=component.label, reason=str(error), again_in_s=pause_s))
        else:
            report(ComponentReady(label=component.label, address=component.address, seconds=time.monotonic() - started))
            return

"""Starts a component again when it ends by itself, later each time it happens soon."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from infra.embedded.component import Component
from infra.embedded.errors import EmbeddedError
from infra.embedded.reports import ComponentEnded, ComponentReady, Reporter, RestartFailed

_LOOK_EVERY_S = 0.1
_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 15.0
_STEADY_AFTER_S = 30.0


async def keep_running(component: Component, restart: Callable[[Component], Awaitable[None]], report: Reporter) -> None:
    """Watch `component` until cancelled, and `restart` it whenever it has ended.

    The delay doubles from 0.5 s to 15 s, and begins anew when the component has run for 30 s.
    """
    delay_s = _FIRST_DELAY_S
    while True:
        up_since = time.monotonic()
        while component.running or component.attended:  # noqa: ASYNC110 - the operating system sets no event
            await asyncio.sleep(_LOOK_EVERY_S)
        if time.monotonic() - up_since > _STEADY_AFTER_S:
            delay_s = _FIRST_DELAY_S
        report(
            ComponentEnded(label=component.label, exit_code=component.exit_code, again_in_s=delay_s, log=component.log)
        )
        delay_s = await _bring_back(component, restart, report, delay_s)


async def _bring_back(
    component: Component, restart: Callable[[Component], Awaitable[None]], report: Reporter, delay_s: float
) -> float:
    """Try until it is up again; return the delay before the next time."""
    while True:
        await asyncio.sleep(delay_s)
        delay_s = min(delay_s * 2, _LONGEST_DELAY_S)
        if component.running or component.attended:  # somebody else saw to it meanwhile
            return delay_s
        started = time.monotonic()
        try:
            await restart(component)
        except EmbeddedError as error:
            report(RestartFailed(label=component.label, reason=str(error), again_in_s=delay_s))
        else:
            report(ComponentReady(label=component.label, address=component.address, seconds=time.monotonic() - started))
            return delay_s

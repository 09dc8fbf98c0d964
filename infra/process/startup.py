"""Ends a process that never reached what it needs: whoever started it sees why, and starts it again.

What was there once may go away: a process that has worked waits for it without a limit (infra.process.health).
"""

import asyncio
from collections.abc import Mapping

import structlog

from infra.errors import ProcessFailed
from infra.process.health import Health

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 1.0
_REPORT_AFTER_LOOKS = 3


class StartupTimedOut(ProcessFailed):
    """`missing` has the reason of each required check whose dependency was never there."""

    def __init__(self, missing: Mapping[str, str], timeout_s: float) -> None:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in missing.items())
        super().__init__(f"waited {timeout_s:g} s (STARTUP_TIMEOUT_S) for what was never there: {reasons}")
        self.missing = dict(missing)


async def watch_startup(health: Health, *, timeout_s: float, look_every_s: float = _LOOK_EVERY_S) -> None:
    """Return after `timeout_s`. Raises StartupTimedOut then for what was not there once; 0 waits for ever."""
    if timeout_s == 0:
        return
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    there: set[str] = set()
    reported: set[str] = set()
    looks = 0
    while True:
        is_last = loop.time() >= deadline
        missing = await _look(health, there)
        if is_last:
            break
        looks += 1
        if missing.keys() - reported and looks >= _REPORT_AFTER_LOOKS:
            log.warning("process_waits", missing=missing, at_most_s=timeout_s)
            reported |= missing.keys()
        await asyncio.sleep(min(look_every_s, max(deadline - loop.time(), 0)))
    if missing:
        raise StartupTimedOut(missing, timeout_s)


async def _look(health: Health, there: set[str]) -> dict[str, str]:
    """Return what is missing of what was not there before; add the rest to `there`."""
    entries = [each for each in health.entries("readiness") if each.required and each.name not in there]
    missing = await health.missing(entries)
    there |= {each.name for each in entries} - missing.keys()
    return missing

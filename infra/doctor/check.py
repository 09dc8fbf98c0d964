"""Runs checks side by side: none waits for another one, and all end in time whatever the servers do."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from infra.doctor.finding import Area, Finding

LIMIT_S = 10.0
"""How long one check may take; its own steps end earlier, so that it can say which of them had no answer."""
_CANCEL_S = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """`run` yields findings as it comes to them. What it found before it failed or its time was over, is kept."""

    area: Area
    run: Callable[[], AsyncGenerator[Finding, None]]
    limit_s: float = LIMIT_S


async def run_all(checks: Sequence[Check]) -> list[Finding]:
    """Run all of them at once; return their findings in the order of the checks."""
    return [finding for found in await asyncio.gather(*map(_run, checks)) for finding in found]


async def _run(check: Check) -> list[Finding]:
    found: list[Finding] = []

    async def collect() -> None:
        async with aclosing(check.run()) as findings:
            async for finding in findings:
                found.append(finding)  # noqa: PERF401 - what was found is kept when the next one never comes

    task = asyncio.create_task(collect())
    done, _ = await asyncio.wait({task}, timeout=check.limit_s)
    if not done:
        task.cancel()
        await asyncio.wait({task}, timeout=_CANCEL_S)
        late = f"no answer within {check.limit_s:g} s; what comes after this line was not looked at"
        return [*found, check.area.error("time", late, "See whether the server is overloaded, or behind a firewall.")]
    if (failure := task.exception()) is not None:
        reason = f"the check itself failed: {type(failure).__name__}: {failure}"
        return [*found, check.area.error("check", reason, "Please report this: it is a fault of `paystream doctor`.")]
    return found

"""Liveness and readiness: every request runs the checks anew, concurrently, each with a time-out.

Liveness says that a restart would help (a stuck consumer); readiness says that work can be taken (the
database answers). A dependency that is down makes a process unready, never dead; one that was not there once since
the start ends it after a while (infra.process.startup).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

import structlog
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

log = structlog.get_logger(__name__)

_Kind = Literal["liveness", "readiness"]
Check = Callable[[], Awaitable[None]]


class Unhealthy(Exception):
    """Raised by a check; the reason is shown to whoever asks, so it holds no secret."""


class DependencyMissing(Unhealthy):
    """Raised by a check that could not reach a server that the process needs. Any other reason: it was reached."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    """Of one check: "ok" or the reason, and whether a dependency was not reached."""

    reason: str
    is_missing: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthReport:
    """The outcome of some checks: `checks` maps each name to "ok" or the reason."""

    status: str
    checks: dict[str, str]

    @property
    def http_status(self) -> int:
        """200 while the process can do its work, degraded or not; else 503."""
        return 503 if self.status == "unhealthy" else 200


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckEntry:
    """A check and what it is called; `required`: without it the process cannot do its work."""

    name: str
    check: Check
    required: bool

    def of(self, member: str) -> "CheckEntry":
        """Return it under the name of a member."""
        return replace(self, name=f"{member}: {self.name}")


class Health:
    """The checks of one process. A check returns when all is well and raises `Unhealthy(reason)` when not."""

    def __init__(self, *, timeout_s: float = 1.0) -> None:
        self._timeout_s = timeout_s
        self._checks: dict[_Kind, list[CheckEntry]] = {"liveness": [], "readiness": []}
        self._members: dict[str, Health] = {}
        self._running: dict[Check, asyncio.Task[_Outcome]] = {}

    def add_readiness(self, name: str, check: Check, *, required: bool = True) -> None:
        """Add a check for taking work. With `required=False` its failure is "degraded" and stays 200."""
        self._checks["readiness"].append(CheckEntry(name=name, check=check, required=required))

    def add_liveness(self, name: str, check: Check) -> None:
        """Add a check whose failure means that the process should be restarted."""
        self._checks["liveness"].append(CheckEntry(name=name, check=check, required=True))

    def set_member(self, name: str, member: "Health") -> None:
        """Add the checks of a member of the process, in place of those that it had; their names begin with `name`."""
        self._members[name] = member
        self._running = {check: task for check, task in self._running.items() if not task.done()}

    async def live(self) -> HealthReport:
        """Run the liveness checks."""
        return await self._report(self.entries("liveness"))

    async def ready(self) -> HealthReport:
        """Run the readiness checks."""
        return await self._report(self.entries("readiness"))

    async def all(self) -> HealthReport:
        """Run every check."""
        return await self._report([*self.entries("liveness"), *self.entries("readiness")])

    def entries(self, kind: _Kind) -> list[CheckEntry]:
        """Return the checks of a kind, with those of the members."""
        of_members = (entry.of(name) for name, member in self._members.items() for entry in member.entries(kind))
        return [*self._checks[kind], *of_members]

    async def missing(self, entries: Iterable[CheckEntry]) -> dict[str, str]:
        """Run these checks; return the reason of each whose dependency could not be reached, by the check's name."""
        entries = list(entries)
        outcomes = await self._outcomes(entries)
        return {
            entry.name: outcome.reason for entry, outcome in zip(entries, outcomes, strict=True) if outcome.is_missing
        }

    async def _report(self, entries: Iterable[CheckEntry]) -> HealthReport:
        entries = list(entries)
        reasons = [outcome.reason for outcome in await self._outcomes(entries)]
        failed = [entry for entry, reason in zip(entries, reasons, strict=True) if reason != "ok"]
        status = "ok" if not failed else "unhealthy" if any(entry.required for entry in failed) else "degraded"
        names = [entry.name for entry in entries]
        return HealthReport(status=status, checks=dict(zip(names, reasons, strict=True)))

    async def _outcomes(self, entries: Iterable[CheckEntry]) -> list[_Outcome]:
        tasks = [self._start(entry.check) for entry in entries]
        if tasks:
            # wait(), not wait_for(): a check that swallows its cancellation must not hold the answer.
            await asyncio.wait(tasks, timeout=self._timeout_s)
        return [self._outcome(task) for task in tasks]

    def _start(self, check: Check) -> asyncio.Task[_Outcome]:
        # Probes that come while a check runs share it: a dependency that hangs gets no more requests.
        task = self._running.get(check)
        if task is None or task.done():
            task = self._running[check] = asyncio.create_task(_run(check))
        return task

    def _outcome(self, task: asyncio.Task[_Outcome]) -> _Outcome:
        if not task.done():
            task.cancel()
            return _Outcome(reason=f"no answer within {self._timeout_s:g} s", is_missing=True)
        return _Outcome(reason="canceled") if task.cancelled() else task.result()


async def _run(check: Check) -> _Outcome:
    try:
        await check()
    except Unhealthy as error:
        return _Outcome(reason=str(error) or "unhealthy", is_missing=isinstance(error, DependencyMissing))
    except Exception as error:
        log.warning("health_check_failed", exc_info=True)
        return _Outcome(reason=type(error).__name__)
    return _Outcome(reason="ok")


def health_routes(health: Health) -> list[Route]:
    """Return the routes /health (every check), /health/live, /health/ready and /metrics (Prometheus)."""

    def endpoint(run: Callable[[], Awaitable[HealthReport]]) -> Callable[[Request], Awaitable[Response]]:
        async def respond(_: Request) -> Response:
            report = await run()
            return JSONResponse(
                {"status": report.status, "checks": report.checks},
                status_code=report.http_status,
                headers={"Cache-Control": "no-store"},
            )

        return respond

    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(REGISTRY), headers={"Content-Type": content_type})

    return [
        Route("/health", endpoint(health.all), include_in_schema=False),
        Route("/health/live", endpoint(health.live), include_in_schema=False),
        Route("/health/ready", endpoint(health.ready), include_in_schema=False),
        Route("/metrics", metrics, include_in_schema=False),
    ]

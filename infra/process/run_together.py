"""Run several services in one process and one event loop: what one machine with little to do needs.

Each is supervised by itself: when one fails, it is logged and started again after a pause, while the others go on. Each
has its own checks, whose names begin with its own. Production runs one process each (docs/running.md): they share no
processor and no fault there.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

import structlog

from infra.backoff import Backoff, Pauses
from infra.errors import ProcessFailed
from infra.logs import bind_service
from infra.process.declared import settings_prefix
from infra.process.health import Health, Unhealthy
from infra.process.run import run
from infra.process.runtime import Runtime
from infra.process.service import Service
from infra.process.waiting import wait_for_event
from infra.settings.loading import load_settings
from infra.settings.process import ProcessSettings

log = structlog.get_logger(__name__)

_RESTART = Backoff(first_s=0.5, longest_s=15.0)
_STEADY_AFTER_S = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A service of the process, with its settings."""

    service: Service
    settings: ProcessSettings


def run_together(name: str, services: Mapping[str, Service]) -> NoReturn:
    """Run the services, by the names that they are declared as, until a signal ends the process.

    Each reads its own settings: `PROJECTOR__DATABASE_URL` is the `DATABASE_URL` of `projector` alone.
    """
    members = [
        Member(service=service, settings=load_settings(service.settings, prefix=settings_prefix(declared_as)))
        for declared_as, service in services.items()
    ]
    run(name, load_settings(ProcessSettings), partial(serve_together, members=members))


async def serve_together(runtime: Runtime, members: Sequence[Member]) -> None:
    """Serve all of them until `runtime.stop` is set. Raises what they failed with while they stopped."""
    failures = await asyncio.gather(*(asyncio.create_task(_keep_serving(runtime, member)) for member in members))
    while_stopping = [failure for failure in failures if failure is not None]
    if while_stopping:
        raise ExceptionGroup("while stopping", while_stopping)


async def _keep_serving(process: Runtime, member: Member) -> Exception | None:
    """Serve one, again and again, until the process stops; return what it failed with while it stopped."""
    bind_service(member.service.name)
    loop, pauses = asyncio.get_running_loop(), Pauses(_RESTART)
    while not process.stop.is_set():
        began = loop.time()
        failure = await _serve_once(process, member)
        if process.stop.is_set():
            return failure
        if loop.time() - began > _STEADY_AFTER_S:
            pauses.succeeded()
        pause_s = pauses.failed()
        reason = _report(failure, pause_s)
        process.health.set_member(member.service.name, _failed(reason))
        await wait_for_event(process.stop, timeout_s=pause_s)
    return None


async def _serve_once(process: Runtime, member: Member) -> Exception | None:
    """Serve until it ends; return what it failed with."""
    health = Health()
    process.health.set_member(member.service.name, health)
    service = Runtime(service=member.service.name, settings=member.settings, stop=process.stop, health=health)
    try:
        await member.service.serve(service, member.settings)
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return RuntimeError("it was canceled by itself").with_traceback(error.__traceback__)
    except Exception as error:  # noqa: BLE001 - the outermost place of the service: it is reported, and served again
        return error
    return None


def _report(failure: Exception | None, pause_s: float) -> str:
    """Log the failure; return it as the health check may show it, which is without what an unknown error says."""
    match failure:
        case None:
            error = shown = "it ended without a request to stop"
        case ProcessFailed():
            error = shown = str(failure)
        case _:
            error, shown = f"{type(failure).__name__}: {failure}", type(failure).__name__
    traceback = None if isinstance(failure, ProcessFailed) else failure
    log.error("service_failed", error=error, again_in_s=pause_s, exc_info=traceback)
    return shown


def _failed(reason: str) -> Health:
    health = Health()

    async def check() -> None:
        raise Unhealthy(f"failed, and is started again soon: {reason}")

    health.add_readiness("service", check)
    return health

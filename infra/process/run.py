"""Run one process: event loop, logging, signals, health server, and an end that always comes."""

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import NoReturn

import structlog
import uvloop
from starlette.applications import Starlette

from infra.errors import ProcessFailed, WrongSetting
from infra.http.limits import HttpLimits
from infra.http.server import bind, serve_socket
from infra.logs import configure_logging
from infra.process.health import Health, Unhealthy, health_routes
from infra.process.runtime import Runtime
from infra.process.service import Service
from infra.process.startup import StartupTimedOut, watch_startup
from infra.settings.loading import load_settings
from infra.settings.process import ProcessSettings
from infra.tracing import configure_tracing, shut_down

__all__ = ["Main", "ProcessFailed", "Runtime", "run", "run_service"]

log = structlog.get_logger(__name__)

Main = Callable[[Runtime], Awaitable[None]]

# After the grace period main is cancelled and has this long to clean up.
_CANCEL_S = 1.0
# This long after the grace period the process ends whatever it is doing.
_FORCE_S = 1.8
_WRONG_SETTING = 2  # as `load_settings` ends
_COLLECT_AFTER_OBJECTS = 20_000


def run_service(service: Service) -> NoReturn:
    """Load the settings of the service and run it in this process, as `run` says."""
    settings = load_settings(service.settings)

    async def serve(runtime: Runtime) -> None:
        await service.serve(runtime, settings)

    run(service.name, settings, serve, serves_http=service.serves_http)


def run(service: str, settings: ProcessSettings, main: Main, *, serves_http: bool = False) -> NoReturn:
    """Run `main` until it returns, then exit: 0, or 1 with one `process_failed` line when it raised or hung.

    2 instead of 1 says that a setting is missing or wrong, as where settings are loaded (`load_settings`).

    SIGTERM and SIGINT set `runtime.stop`; main then has `settings.shutdown_grace_ms` to return, is cancelled
    after that, and the process ends within 2 s more even if main ignores that or blocks the loop. So it ends too, as
    failed, when a dependency was not there once within `settings.startup_timeout_s`. Unless main serves HTTP itself,
    /health and /metrics are served on HEALTH_HOST:HEALTH_PORT meanwhile.
    """
    configure_logging(service, settings.log_level)
    collect_garbage_seldom()
    os.nice(settings.process_niceness)
    ending = _Ending(settings.shutdown_grace_ms / 1000 + _FORCE_S)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code = runner.run(_supervise(service, settings, main, ending, serves_http=serves_http))
    shut_down()
    sys.exit(code)


def collect_garbage_seldom() -> None:
    """Leave what was imported alone, and look for cycles among the rest when many objects were made.

    At the defaults a busy process spends a twentieth of its time there:
    https://docs.python.org/3/library/gc.html#gc.freeze.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER_OBJECTS, 20, 20)


class _Ending:
    """Makes sure that the process ends in time, and logs the reason of a failure once."""

    def __init__(self, limit_s: float) -> None:
        self._timer = threading.Timer(limit_s, self._end)
        self._timer.daemon = True
        self._started = self._reported = False

    def start(self) -> None:
        """Start the clock; only the first call counts."""
        if not self._started:
            self._started = True
            self._timer.start()

    def report(self, error: BaseException | str) -> None:
        """Log `process_failed`, unless it was logged already."""
        if self._reported:
            return
        self._reported = True
        if isinstance(error, str):
            log.critical("process_failed", error=error)
        else:
            summary = f"{type(error).__name__}: {error}"
            log.critical("process_failed", error=summary, exc_info=error)

    def _end(self) -> NoReturn:
        self.report("did not stop in time, ended by force")
        os._exit(1)


async def _supervise(service: str, settings: ProcessSettings, main: Main, ending: _Ending, *, serves_http: bool) -> int:
    stop = asyncio.Event()
    runtime = Runtime(service=service, settings=settings, stop=stop, health=Health())
    runtime.health.add_readiness("process", _not_stopping(stop))
    _stop_on_signals(stop, ending)
    try:
        configure_tracing(service, settings.otel_exporter_otlp_endpoint, settings.trace_sampling_ratio)
        run_main = _until_done if serves_http else _beside_health_server
        failure = await run_main(runtime, main)
    except Exception as error:  # noqa: BLE001 - the outermost place: whatever it is, it is reported and ends us
        failure = error
    # From here on the loop is closed, which waits for threads and tasks: not for ever.
    ending.start()
    if failure is None:
        log.info("process_stopped")
        return 0
    ending.report(_explain(failure))
    return _WRONG_SETTING if _is_wrong_setting(failure) else 1


async def _beside_health_server(runtime: Runtime, main: Main) -> BaseException | None:
    settings, done = runtime.settings, asyncio.Event()
    listener = bind(settings.health_host, settings.health_port, "HEALTH_PORT")
    log.info("health_server_started", host=settings.health_host, port=listener.getsockname()[1])
    app = Starlette(routes=health_routes(runtime.health))
    limits = HttpLimits.from_settings(settings)
    serving = serve_socket(app, listener, done, grace_s=1, limits=limits)
    server = asyncio.create_task(serving, name="health server")
    try:
        return await _until_done(runtime, main)
    finally:
        done.set()
        await server


async def _until_done(runtime: Runtime, main: Main) -> BaseException | None:
    """Run main to its end, by itself or by the grace period's; return what it, or its start, failed with."""
    log.info("process_started", pid=os.getpid())
    work = asyncio.ensure_future(main(runtime))
    starting = asyncio.create_task(_limit_startup(runtime), name="watching the start")
    stopping = asyncio.create_task(runtime.stop.wait(), name="waiting for a signal")
    await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    timed_out = starting.result() if starting.done() else None
    starting.cancel()
    if runtime.stop.is_set():
        log.info("process_stopping")
        await asyncio.wait({work}, timeout=runtime.settings.shutdown_grace_ms / 1000)
    if not work.done():
        pending = ", ".join(_pending_tasks())
        work.cancel()
        await asyncio.wait({work}, timeout=_CANCEL_S)
        return timed_out or ProcessFailed(f"still running after SHUTDOWN_GRACE_MS: {pending}")
    if timed_out is not None:
        return timed_out
    return asyncio.CancelledError() if work.cancelled() else work.exception()


async def _limit_startup(runtime: Runtime) -> StartupTimedOut | None:
    """Ask main to stop when a dependency was never there; return why."""
    try:
        await watch_startup(runtime.health, timeout_s=runtime.settings.startup_timeout_s)
    except StartupTimedOut as error:
        runtime.stop.set()
        return error
    return None


def _explain(error: BaseException) -> BaseException | str:
    """Return the message alone when everything that failed is a `ProcessFailed`: no traceback helps there."""
    if isinstance(error, BaseExceptionGroup):
        expected, rest = error.split(ProcessFailed)
        if rest is None and expected is not None:
            return "; ".join(str(_explain(part)) for part in expected.exceptions)
    return str(error) if isinstance(error, ProcessFailed) else error


def _is_wrong_setting(error: BaseException) -> bool:
    """Whether nothing else failed."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_wrong_setting, error.exceptions))
    return isinstance(error, WrongSetting)


def _stop_on_signals(stop: asyncio.Event, ending: _Ending) -> None:
    loop = asyncio.get_running_loop()

    def on_signal(_: int, __: FrameType | None) -> None:
        ending.start()
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        # Not loop.add_signal_handler(): this starts the clock even when something blocks the loop.
        signal.signal(number, on_signal)


def _pending_tasks() -> list[str]:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    return sorted({getattr(task.get_coro(), "__qualname__", task.get_name()) for task in others})


def _not_stopping(stop: asyncio.Event) -> Callable[[], Awaitable[None]]:
    async def check() -> None:
        if stop.is_set():
            raise Unhealthy("stopping")

    return check

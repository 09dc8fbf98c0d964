"""uvicorn inside a loop that is already running, without its signal handlers, on a socket that we bind.

uvicorn's own bounds are for h11 (`h11_max_incomplete_event_size`), or too coarse (`limit_concurrency` counts idle
connections, and answers in plain text): `protocol` has ours.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp

from infra.errors import ProcessFailed
from infra.http.limits import Connections, HttpLimits
from infra.http.protocol import BoundedProtocol
from infra.process.runtime import Runtime
from infra.settings.process import ProcessSettings
from infra.tracing import trace_requests

log = structlog.get_logger(__name__)


class PortInUse(ProcessFailed):
    """Another process listens there already."""


async def serve(app: ASGIApp, host: str, port: int, runtime: Runtime) -> None:
    """Serve until `runtime.stop`, then let requests in flight finish; raises PortInUse before it starts.

    The message names the setting of the process that ends in `_port` and has this value: that is the one to
    change.
    """
    listener = bind(host, port, _port_variable(runtime.settings, port))
    log.info("http_server_started", host=host, port=listener.getsockname()[1])
    # One second less than main has, to close what main opened.
    grace_s = max(1, runtime.settings.shutdown_grace_ms // 1000 - 1)
    limits = HttpLimits.from_settings(runtime.settings)
    trace_requests(app)
    await serve_socket(app, listener, runtime.stop, grace_s=grace_s, limits=limits)


def bind(host: str, port: int, variable: str | None = None) -> socket.socket:
    """Bind a TCP socket; port 0 takes any free one. Raises PortInUse or ProcessFailed with one clear line."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        # On Linux two sockets may be bound to a port with SO_REUSEADDR; only listening settles whose it is.
        listener.listen(2048)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        hint = f": set {variable}" if variable else ""
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"port {port} is in use{hint}") from error
        raise ProcessFailed(f"cannot listen on {host} port {port} ({error.strerror}){hint}") from error
    return listener


async def serve_socket(
    app: ASGIApp, listener: socket.socket, stop: asyncio.Event, *, grace_s: int, limits: HttpLimits
) -> None:
    """Serve on a bound socket until `stop` is set; requests that last `grace_s` longer are cancelled."""
    # What uvicorn calls a class is whatever makes a protocol.
    protocol: Any = partial(BoundedProtocol, limits=limits, connections=Connections(limits))
    server = _Server(
        uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=limits.keep_alive_s,
            timeout_graceful_shutdown=grace_s,
        )
    )
    stopping = asyncio.create_task(_stop_when(stop, server))
    try:
        await server.serve(sockets=[listener])
    except SystemExit as error:
        # uvicorn's way to say that the application's lifespan failed; its cause is in the log.
        raise ProcessFailed("the HTTP application did not start") from error
    finally:
        stopping.cancel()
        listener.close()


async def _stop_when(stop: asyncio.Event, server: uvicorn.Server) -> None:
    await stop.wait()
    server.should_exit = True


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process runner."""
        yield


def _port_variable(settings: ProcessSettings, port: int) -> str | None:
    for name in type(settings).model_fields:
        if name.endswith("_port") and getattr(settings, name) == port:
            return name.upper()
    return None

"""The sandbox as a process of its own."""

import asyncio

from infra.http.server import serve as serve_http
from infra.process.health import health_routes
from infra.process.runtime import Runtime
from infra.process.service import Service
from infra.stripe_sandbox.app import build_sandbox
from infra.stripe_sandbox.latency import Latency
from infra.stripe_sandbox.settings import SandboxSettings
from infra.stripe_sandbox.store import Store
from infra.stripe_sandbox.webhooks.transport import HttpTransport


async def serve(runtime: Runtime, settings: SandboxSettings) -> None:
    """Serve HTTP until `runtime.stop` is set."""
    store = Store(settings.stripe_sandbox_data)
    try:
        sandbox = build_sandbox(
            store,
            latency=Latency(delays=settings.delays),
            settle_ms=settings.stripe_sandbox_settle_ms,
            behaviour=settings.behaviour,
            endpoints=settings.endpoints,
            transport=HttpTransport(settings.stripe_sandbox_webhook_timeout_ms / 1000),
            extra_routes=health_routes(runtime.health),
        )
        if settings.stripe_sandbox_clock_rate is not None:
            with store.transaction():
                sandbox.world.clock.run_at(settings.stripe_sandbox_clock_rate)
        dispatching = asyncio.create_task(sandbox.dispatcher.run(runtime.stop))
        # Without webhooks it is no sandbox: the process ends, and says why.
        dispatching.add_done_callback(lambda _: runtime.stop.set())
        try:
            await serve_http(sandbox.app, settings.stripe_sandbox_host, settings.stripe_sandbox_port, runtime)
        finally:
            runtime.stop.set()
            await dispatching
    finally:
        store.close()


SERVICE = Service(name="stripe-sandbox", settings=SandboxSettings, serve=serve, serves_http=True)

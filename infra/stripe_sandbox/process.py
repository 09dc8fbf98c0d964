"""The sandbox as a process of its own."""

import asyncio

from infra.http.server import serve
from infra.process.health import health_routes
from infra.process.run import Runtime, run
from infra.settings.loading import load_settings
from infra.stripe_sandbox.app import build_sandbox
from infra.stripe_sandbox.latency import Latency
from infra.stripe_sandbox.settings import SandboxSettings
from infra.stripe_sandbox.store import Store
from infra.stripe_sandbox.webhooks.transport import HttpTransport

SERVICE = "stripe-sandbox"


def main() -> None:
    """Run until told to stop."""
    settings = load_settings(SandboxSettings)

    async def serve_sandbox(runtime: Runtime) -> None:
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
                await serve(sandbox.app, settings.stripe_sandbox_host, settings.stripe_sandbox_port, runtime)
            finally:
                runtime.stop.set()
                await dispatching
        finally:
            store.close()

    run(SERVICE, settings, serve_sandbox, serves_http=True)

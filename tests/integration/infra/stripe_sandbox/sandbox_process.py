"""A sandbox process to test against, which can be killed and started again on its data."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import stripe

from infra.settings.stripe import StripeSettings
from infra.stripe.client import stripe_client
from tests.support.forked import Forked

START_S = 20
STOP_S = 12


class SandboxProcess:
    """One sandbox, on a free port, with its data in a file, or without one in memory."""

    def __init__(self, data: Path | None, **settings: str) -> None:
        self._settings = {"STRIPE_SANDBOX_PORT": "0", "APP_ENV": "test", **settings}
        if data is not None:
            self._settings["STRIPE_SANDBOX_DATA"] = str(data)
        self._process: Forked | None = None
        self.url = ""

    async def start(self) -> None:
        """Start it and wait until it listens."""
        environment = {**os.environ, **self._settings}
        self._process = await Forked.start("infra.cli", "sandbox", env=environment, cwd=Path.cwd())
        started = await self._process.logged("http_server_started", within=START_S)
        self.url = f"http://127.0.0.1:{started['port']}"

    async def end(self, how: signal.Signals) -> int:
        """Send it a signal and return its exit code."""
        assert self._process is not None
        return await self._process.end(how, within=STOP_S)

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.running


@asynccontextmanager
async def running_sandbox(data: Path | None, **settings: str) -> AsyncIterator[SandboxProcess]:
    """Lend a running sandbox and end it afterwards."""
    sandbox = SandboxProcess(data, **settings)
    await sandbox.start()
    try:
        yield sandbox
    finally:
        if sandbox.running:
            await sandbox.end(signal.SIGTERM)


@asynccontextmanager
async def stripe_sdk(url: str, **settings: object) -> AsyncIterator[stripe.StripeClient]:
    """Lend the official SDK, pointed at a sandbox as a deployment would point it."""
    values = {"stripe_secret_key": "sk_test_integration", "stripe_api_base": url} | settings
    async with stripe_client(StripeSettings.model_validate(values)) as client:
        yield client

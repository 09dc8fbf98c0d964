"""A sandbox process to test against, which can be killed and started again on its data."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import stripe

from infra.settings.stripe import StripeSettings
from infra.stripe.client import stripe_client
from tests.support.waiting import eventually

START_S = 20
_FIRST_LINES = 64 * 1024  # bytes
STOP_S = 12


class SandboxProcess:
    """One sandbox, on a free port, with its data in a file, or without one in memory."""

    def __init__(self, data: Path | None, **settings: str) -> None:
        self._settings = {"STRIPE_SANDBOX_PORT": "0", "APP_ENV": "test", **settings}
        if data is not None:
            self._settings["STRIPE_SANDBOX_DATA"] = str(data)
        self._process: asyncio.subprocess.Process | None = None
        self.url = ""

    async def start(self) -> None:
        """Start it and wait until it listens."""
        # Its output goes to a file: a pipe is full after some hundred requests, and nobody reads it between two tests.
        with tempfile.TemporaryFile() as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "infra.cli",
                "sandbox",
                env={**os.environ, **self._settings},
                stdout=output,
            )
            port = await eventually(partial(self._port, output.fileno()), within=START_S)
            self.url = f"http://127.0.0.1:{port}"

    async def end(self, how: signal.Signals) -> int:
        """Send it a signal and return its exit code."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(how)
        async with asyncio.timeout(STOP_S):
            return await self._process.wait()

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def _port(self, output: int) -> int | None:
        """Return the port that it says it listens on, if it has said so."""
        assert self.running, "the sandbox ended before it listened"
        for line in os.pread(output, _FIRST_LINES, 0).splitlines(keepends=True):
            event = json.loads(line) if line.endswith(b"\n") else {}
            if event.get("event") == "http_server_started":
                return int(event["port"])
        return None


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

"""A sandbox process to test against, which can be killed and started again on its data."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import stripe

from infra.settings import StripeSettings
from infra.stripe_client import stripe_client

START_S = 20
STOP_S = 12


class SandboxProcess:
    """One sandbox, on a free port, with its data in a file, or without one in memory."""

    def __init__(self, data: Path | None, **settings: str) -> None:
        self._settings = {"STRIPE_SANDBOX_PORT": "0", "APP_ENV": "test", **settings}
        if data is not None:
            self._settings["STRIPE_SANDBOX_DATA"] = str(data)
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self.url = ""

    async def start(self) -> None:
        """Start it and wait until it listens."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from infra.stripe_sandbox.process import main; main()",
            env={**os.environ, **self._settings},
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(START_S):
            self.url = f"http://127.0.0.1:{await self._port()}"
        self._reader = asyncio.create_task(self._drain())

    async def end(self, how: signal.Signals) -> int:
        """Send it a signal and return its exit code."""
        assert self._process is not None
        assert self._reader is not None
        if self._process.returncode is None:
            self._process.send_signal(how)
        async with asyncio.timeout(STOP_S):
            code = await self._process.wait()
            await self._reader
        return code

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def _port(self) -> int:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            event = json.loads(line)
            if event["event"] == "http_server_started":
                return int(event["port"])
        await self._process.wait()
        raise AssertionError("the sandbox ended before it listened")

    async def _drain(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for _ in self._process.stdout:
            pass


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

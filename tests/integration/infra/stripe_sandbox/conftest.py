"""One sandbox process for a module, forgotten between tests, and the official SDK pointed at it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import stripe

from infra.stripe_sandbox.client import SandboxAdmin
from tests.integration.infra.stripe_sandbox.sandbox_process import SandboxProcess, running_sandbox, stripe_sdk


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SandboxProcess]:
    async with running_sandbox(tmp_path_factory.mktemp("sandbox") / "sandbox.db") as sandbox:
        yield sandbox


@pytest_asyncio.fixture
async def admin(shared_sandbox: SandboxProcess) -> AsyncIterator[SandboxAdmin]:
    async with SandboxAdmin(shared_sandbox.url) as client:
        await client.reset()
        yield client


@pytest_asyncio.fixture
async def sdk(shared_sandbox: SandboxProcess, admin: SandboxAdmin) -> AsyncIterator[stripe.StripeClient]:  # noqa: ARG001 - a clean sandbox
    async with stripe_sdk(shared_sandbox.url) as client:
        yield client

"""A sandbox for the poller, empty before each test."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import stripe

from consumers.stripe.lists.lists import StripeLists
from infra.postgres.pool import Pool
from infra.stripe_sandbox.client import SandboxAdmin
from tests.integration.consumers.balance.polled_sandbox import Log
from tests.integration.consumers.gateway.gateway_without_kafka import a_guard
from tests.integration.infra.stripe_sandbox.sandbox_process import SandboxProcess, running_sandbox, stripe_sdk


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SandboxProcess]:
    async with running_sandbox(tmp_path_factory.mktemp("sandbox") / "sandbox.db") as process:
        yield process


@pytest_asyncio.fixture
async def admin(sandbox: SandboxProcess) -> AsyncIterator[SandboxAdmin]:
    async with SandboxAdmin(sandbox.url) as admin:
        await admin.reset()
        yield admin


@pytest_asyncio.fixture
async def client(sandbox: SandboxProcess, admin: SandboxAdmin) -> AsyncIterator[stripe.StripeClient]:  # noqa: ARG001 - reset
    async with stripe_sdk(sandbox.url) as client:
        yield client


@pytest.fixture
def lists(client: stripe.StripeClient) -> StripeLists:
    return StripeLists(client, a_guard(), timeout_s=10)


@pytest.fixture
def log_of(pool: Pool) -> Log:
    return Log(pool)

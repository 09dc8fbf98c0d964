"""The official SDK, pointed at the sandbox process, keeps the contract that the Stripe in memory keeps."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from consumers.stripe.payments import Stripe, StripeApi
from infra.stripe_sandbox.client import SandboxAdmin
from tests.integration.consumers.gateway.gateway_without_kafka import a_guard
from tests.integration.infra.stripe_sandbox.sandbox_process import SandboxProcess, running_sandbox, stripe_sdk
from tests.unit.consumers.stripe.stripe_contract import StripeContract

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[SandboxProcess]:
    async with running_sandbox(None) as process:
        yield process


class TestStripeApi(StripeContract):
    @pytest_asyncio.fixture(autouse=True)
    async def _on(self, sandbox: SandboxProcess) -> AsyncIterator[None]:
        async with SandboxAdmin(sandbox.url) as admin:
            await admin.reset()
            await admin.clear_faults()
        async with stripe_sdk(sandbox.url) as client:
            self._api = StripeApi(client, a_guard(), timeout_s=10)
            self._url = sandbox.url
            yield

    def stripe(self) -> Stripe:
        return self._api

    async def fail_next(self, *, after_effect: bool) -> None:
        async with SandboxAdmin(self._url) as admin:
            await admin.add_fault("error_after" if after_effect else "error_before", method="POST", times=1)

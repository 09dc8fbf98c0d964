"""A sandbox in memory, reached without sockets, whose clock stands still until a test moves it."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio

from infra.stripe_sandbox.app import Sandbox, build_sandbox
from infra.stripe_sandbox.client import SandboxAdmin
from infra.stripe_sandbox.store import Store
from tests.unit.infra.stripe_sandbox.stripe_http import ADDRESS, Clock, StripeHttp
from tests.unit.infra.stripe_sandbox.webhook_receiver import Receiver


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    yield store
    store.close()


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def sandbox(store: Store, clock: Clock, receiver: Receiver) -> Sandbox:
    return build_sandbox(store, clock=clock, settle_ms=5000, transport=receiver)


@pytest_asyncio.fixture
async def stripe_http(sandbox: Sandbox) -> AsyncIterator[StripeHttp]:
    api = StripeHttp(sandbox)
    yield api
    await api.http.aclose()


@pytest_asyncio.fixture
async def admin(sandbox: Sandbox) -> AsyncIterator[SandboxAdmin]:
    async with SandboxAdmin(ADDRESS, transport=httpx.ASGITransport(sandbox.app)) as client:
        yield client

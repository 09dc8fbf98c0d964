"""The database of each release that left one, restored and migrated: each test gets a copy of its own."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from infra.access.keyring import ApiKeyring
from infra.embedded.connections import DEVELOPMENT_KEY, DEVELOPMENT_MERCHANT
from infra.embedded.databases import create_database, drop_database
from infra.embedded.postgres import PostgresServer
from infra.migrations.runner import upgrade
from infra.postgres.pool import Pool, create_pool
from infra.process.health import Health
from infra.settings.http import ApiKey
from query_api.app import create_app
from query_api.database import create_read_pool
from query_api.freshness import Freshness
from tests.integration.upgrade.fixture_files import Fixture, committed
from tests.integration.upgrade.restored import belong_here, restore_database
from tests.support.database import Database, fresh_database


@pytest.fixture(scope="session", params=committed(), ids=lambda each: f"from {each.version}")
def release(request: pytest.FixtureRequest) -> Fixture:
    """What a release left behind."""
    found: Fixture = request.param
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def upgraded(release: Fixture, session_postgres: PostgresServer) -> AsyncIterator[str]:
    """The name of its database, which today's migrations brought to today's schema."""
    name = f"upgraded_from_{release.version}"
    url = await create_database(session_postgres, name)
    await asyncio.to_thread(restore_database, url, release)
    await asyncio.to_thread(upgrade, url)
    await belong_here(url)
    yield name
    await drop_database(session_postgres, name)


@pytest_asyncio.fixture
async def database(session_postgres: PostgresServer, upgraded: str) -> AsyncIterator[Database]:
    """A copy for one test."""
    async with fresh_database(session_postgres, template=upgraded) as lent:
        yield lent


@pytest_asyncio.fixture
async def projector_pool(database: Database) -> AsyncIterator[Pool]:
    """The projector's connections, with the projector's rights."""
    async with create_pool(database.url("projector"), size=2, name="projector-test") as opened:
        yield opened


@pytest.fixture
def keyring() -> ApiKeyring:
    """The key of the merchant whom the payments belong to."""
    digest = hashlib.sha256(DEVELOPMENT_KEY.encode()).hexdigest()
    scopes = frozenset({"payments:read", "payments:write", "finance:read"})
    return ApiKeyring([ApiKey(id="test", sha256=digest, merchant_id=DEVELOPMENT_MERCHANT, scopes=scopes)])


@pytest_asyncio.fixture
async def query(database: Database, keyring: ApiKeyring) -> AsyncIterator[httpx.AsyncClient]:
    """A client of today's query API."""
    async with create_read_pool(database.url("query"), size=4, timeout_ms=5000) as pool:
        app = create_app(pool, Freshness(pool, wait_ms=400), keyring=keyring, health=Health())
        headers = {"Authorization": f"Bearer {DEVELOPMENT_KEY}"}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://query", headers=headers) as client:
            yield client

"""Fixtures of every suite: real servers, started by the session that needs them."""

from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio

from event_store.store import Connection
from infra.embedded.postgres import PostgresServer
from infra.embedded.stack import Stack
from tests.support.database import Database, fresh_database, postgres_server
from tests.support.system import System


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def session_postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PostgresServer]:
    """The session's PostgreSQL."""
    async with postgres_server(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest_asyncio.fixture
async def database(session_postgres: PostgresServer) -> AsyncIterator[Database]:
    """A migrated database for one test."""
    async with fresh_database(session_postgres) as lent:
        yield lent


@pytest_asyncio.fixture
async def app(database: Database) -> AsyncIterator[Connection]:
    """A connection of the application's role, not in autocommit."""
    async with await psycopg.AsyncConnection.connect(database.url("app")) as connection:
        yield connection


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def session_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The whole system, once for all tests that leave it as they found it: running."""
    async with Stack(tmp_path_factory.mktemp("system"), fsync=False) as stack:
        yield stack


@pytest_asyncio.fixture
async def system(session_stack: Stack) -> AsyncIterator[System]:
    """Clients of the session's system."""
    clients = System(session_stack)
    yield clients
    await clients.close()

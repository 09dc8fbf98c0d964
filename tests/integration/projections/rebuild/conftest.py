"""A projector that reads the log itself, and connections to look with."""

from collections.abc import AsyncIterator

import psycopg
import pytest_asyncio

from infra.postgres.pool import Connection, Pool
from tests.support.database import Database
from tests.support.rebuilds import LogProjector


@pytest_asyncio.fixture
async def owner(database: Database) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as conn:
        yield conn


@pytest_asyncio.fixture
async def projector(pool: Pool, owner: Connection) -> LogProjector:
    return LogProjector(pool, owner)

"""Fixtures of the projections' integration tests."""

from collections.abc import AsyncIterator

import psycopg
import pytest_asyncio

from infra.postgres.pool import Connection, Pool, create_pool
from tests.support.database import Database


@pytest_asyncio.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    """The projector's connections, with the projector's rights."""
    async with create_pool(database.url("projector"), size=4, name="projector-test") as pool:
        yield pool


@pytest_asyncio.fixture
async def reader(database: Database) -> AsyncIterator[Connection]:
    """A connection with the projector's rights, in autocommit: it sees what is committed."""
    async with await psycopg.AsyncConnection.connect(database.url("projector"), autocommit=True) as conn:
        yield conn

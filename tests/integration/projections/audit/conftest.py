"""A projector's pool, to fill the read model."""

from collections.abc import AsyncIterator

import pytest_asyncio

from infra.postgres.pool import Pool, create_pool
from tests.support.database import Database


@pytest_asyncio.fixture
async def pool_of_projector(database: Database) -> AsyncIterator[Pool]:
    async with create_pool(database.url("projector"), size=2, name="projector-test") as pool:
        yield pool

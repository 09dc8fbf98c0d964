"""A database and a merchant's server, for the tests of webhooks."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from infra.postgres.pool import Pool
from tests.integration.consumers.webhooks_out.webhook_bench import Bench
from tests.support.database import Database
from tests.support.webhook_receiver import Receiver, a_receiver


@pytest.fixture
def bench(pool: Pool, database: Database) -> Bench:
    return Bench(pool=pool, database=database)


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with a_receiver() as running:
        yield running

"""A reconciliation between two stand-ins."""

from collections.abc import AsyncIterator

import pytest_asyncio

from infra.postgres.pool import Pool
from tests.integration.consumers.reconciliation.reconciliation_run import Harness
from tests.support.database import Database


@pytest_asyncio.fixture
async def harness(database: Database, pool: Pool) -> AsyncIterator[Harness]:
    lent = Harness(database=database, pool=pool)
    await lent.ledger.prepare()
    yield lent
